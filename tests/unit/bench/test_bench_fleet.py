"""The benchmark of the simulated fleet in small."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import fleet as bench_fleet
from bench.fleet import FleetSizes, measure_fleet
from registry.cli.main import app
from registry.ports import DeviceKey

pytestmark = pytest.mark.rule("PGU-2")


def test_every_reading_of_the_fleet_is_accepted_once(capfd: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "fleet", "--json", "--pods", "60", "--quarters", "2", "--verifiers", "1"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["name"] for line in lines] == ["fleet.first", "fleet.second"]
    for line in lines:
        assert line["sizes"]["pods"] == 60 and line["sizes"]["missing"] == 0
        assert line["sizes"]["fleet_mb_front"] > 0 and line["value"] > 0 and line["ratio"] > 0
    assert "readings certified" in capfd.readouterr().err


def test_a_reading_that_is_refused_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = bench_fleet._keys

    def all_but_the_first(file: Path) -> Iterator[DeviceKey]:
        found = keys(file)
        next(found)
        yield from found

    monkeypatch.setattr(bench_fleet, "_keys", all_but_the_first)
    with pytest.raises(RuntimeError, match=r"found 9 accepted, 9 logged and \{'MEA-2 kid': 1\} refused"):
        list(measure_fleet(FleetSizes(10, 1, 0)))
