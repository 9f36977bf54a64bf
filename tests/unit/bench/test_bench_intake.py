"""The intake benchmark in small: the whole way, what came out checked, one line per quarter-hour."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain

import pytest
from typer.testing import CliRunner

from bench import by_http
from bench import intake as bench_intake
from bench.by_http import BatchSizes, SingleSizes, measure_batches, measure_single
from bench.corpus import make_fleet
from bench.intake import Sizes, measure_intake
from bench.results import Result, median
from registry.cli.main import app
from registry.evidence.es256 import load_public_key
from registry.evidence.statements import parse, verify
from tests.databases import fresh_database

FIELDS = {
    "name",
    "value",
    "unit",
    "reference",
    "reference_value",
    "ratio",
    "sizes",
    "seconds",
    "commit",
}


def test_a_result_is_one_line_of_json() -> None:
    result = Result("a.b", 81.0, "statements/s", "raw", 100.0, {"batch": 5}, 0.12345, "abc")
    assert json.loads(result.line()) == {
        "name": "a.b",
        "value": 81.0,
        "unit": "statements/s",
        "reference": "raw",
        "reference_value": 100.0,
        "ratio": 0.81,
        "sizes": {"batch": 5},
        "seconds": 0.123,
        "commit": "abc",
    }
    assert "\n" not in result.line()


def test_the_median_is_one_of_what_was_measured_and_says_how_far_it_went() -> None:
    measured = [
        Result("a.b", value, "statements/s", "raw", 100.0, {"batch": 5}, 1.0) for value in (90, 70, 80)
    ]
    found = median(measured)
    assert found.value == 80
    assert found.sizes == {"batch": 5, "ratio_least": 0.7, "ratio_most": 0.9}


@pytest.mark.rule("MEA-1", "MEA-2", "MEA-3", "LOG-1")
def test_the_command_prints_a_line_per_quarter_hour_and_database(postgres_url: str) -> None:
    sizes = {"--devices": "40", "--batch": "8", "--clients": "3", "--verifiers": "1", "--single": "40"}
    words = [
        "bench",
        "intake",
        "--json",
        *chain(*sizes.items()),
        "--postgresql",
        fresh_database(postgres_url),
    ]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    names = [f"intake.batch.{database}" for database in ("sqlite", "postgresql")]
    names = [name + end for name in names for end in (".first", "")]
    assert [line["name"] for line in lines] == [*names, "intake.http", "intake.single.first", "intake.single"]
    for line in lines:
        assert set(line) == FIELDS
        assert line["sizes"]["statements"] == 40
        assert line["value"] > 0 and line["reference_value"] > 0 and line["seconds"] > 0


@pytest.mark.rule("MEA-2")
def test_a_refusal_by_http_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = make_fleet(20, 2 * by_http.QUARTERS)
    early = [replace(member, statements=member.statements[by_http.QUARTERS :]) for member in fleet.members]
    monkeypatch.setattr(by_http, "make_fleet", lambda devices, quarters: replace(fleet, members=early))
    with pytest.raises(RuntimeError, match='found "refused", expected none'):
        measure_batches(BatchSizes(20, 5, 2, 0))
    with pytest.raises(RuntimeError, match="found status 422, expected 201"):
        measure_single(SingleSizes(20, 4, 0))


@pytest.mark.rule("MEA-3", "LOG-2")
def test_a_small_city_is_anchored() -> None:
    result = CliRunner().invoke(app, ["bench", "city", "--json", "--devices", "40", "--batch", "8"])
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["name"] for line in lines] == ["city.first", "city.second"]
    for line in lines:
        assert line["unit"] == "s" and line["sizes"]["missing"] == 0
        assert line["ratio"] == pytest.approx(line["reference_value"] / line["value"], abs=1)
        assert line["sizes"]["resident_mb_node"] > 0 and line["sizes"]["resident_mb_worker_1"] > 0


@pytest.mark.rule("MEA-2")
def test_a_statement_that_was_not_accepted_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = make_fleet(20, 2)
    members = [*fleet.members[:19], fleet.members[0]]
    monkeypatch.setattr(bench_intake, "make_fleet", lambda devices, quarters: replace(fleet, members=members))
    with pytest.raises(RuntimeError, match="found 19 statements, expected 20"):
        measure_intake(Sizes(20, 5, 2, 0))


def test_every_device_has_its_own_key_and_signs_with_it() -> None:
    fleet = make_fleet(20, 2)
    keys = [member.key for member in fleet.members]
    assert len({key.key_id for key in keys}) == len({key.pod_id for key in keys}) == 20
    for member in fleet.members:
        for data in member.statements:
            verify(parse(data), load_public_key(member.key.public_key))
    assert list(chain(*fleet.batches(1, 6))) == [member.statements[1] for member in fleet.members]
