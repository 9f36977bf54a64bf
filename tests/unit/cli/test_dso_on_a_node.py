"""`flexledger dso` on a node: lights published, published again, refused; and the day afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from registry.bootstrap import Node
from registry.cli.dso import curves as curves_command
from registry.cli.dso import expost as expost_command
from registry.cli.dso import lights as lights_command
from registry.cli.main import app
from registry.cli.outcome import EXIT_DONE, EXIT_FAILED, EXIT_REFUSED
from registry.domain.calendar import DeliveryDay, from_unix
from registry.domain.commands import DeclarePerimeters, JoinAggregate, MovePods, ScheduleDays
from registry.domain.identifiers import perimeter_id
from registry.domain.lights import RED_LIGHT, Colour, PerimeterDraft
from registry.domain.sessions import Market, ScheduleTemplate
from registry.services.select_flexibility import Order, select_flexibility
from tests.unit.api.sandbox import (
    AGREED,
    CONGESTION,
    DAY,
    DOWN_KW,
    DSO,
    GLOBAL_HOUR,
    LOCAL,
    LOCAL_HOUR,
    OTHER_BSP,
    OTHER_LOCAL,
    PERIMETER,
    TSO,
    UP_KW,
    Sandbox,
    signed_kw,
)
from tests.unit.cli.dso_files import DsoFiles
from tests.unit.grid.grid_house import Line

OWN = (0, 1, 2, 4, 5)
"""The DSO's PODs among those of the sandbox."""


def use(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """Commands find the sandbox's node open already, at the time that it plays."""

    def opened(_: Path) -> AbstractContextManager[Node]:
        return nullcontext(sandbox.node)

    for module in (lights_command, expost_command, curves_command):
        monkeypatch.setattr(module, "open_existing", opened)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox.founded(tmp_path_factory.mktemp("node"))
    sandbox.qualify()
    sandbox.clock.set(from_unix(sandbox.schedule.lfp_gates[0]) - timedelta(minutes=30))
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox.played(tmp_path_factory.mktemp("played"))
    yield sandbox
    sandbox.close()


def files_of(
    sandbox: Sandbox, folder: Path, *, rated_kw: float = 5_000.0, inner_kw: float = 100.0
) -> DsoFiles:
    """Two PODs at A and three at B behind it; the line to B takes ``inner_kw``, that to A ``rated_kw``."""
    return DsoFiles(
        folder,
        [Line("PS", "A", rated_kw), Line("A", "B", inner_kw)],
        {"town": "B"},
        {f"s{number}": "A" if number < 2 else "B" for number in OWN},
        {f"s{number}": sandbox.pods[number].code for number in OWN},
    )


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "120"})


def refused(result: Result, *parts: str, status: int = EXIT_REFUSED) -> None:
    assert result.exit_code == status, result.output
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert lines and lines[-1].startswith("flexledger: ")
    for part in parts:
        assert part in lines[-1]


@pytest.mark.rule("GRD-2", "SES-5")
def test_curves_of_the_bids_that_the_register_has(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inner line takes 100 kW less its losses: 30 kW at 150 EUR/MWh are feasible, and 69 of 70 at 200."""
    sandbox = Sandbox.founded(tmp_path_factory.mktemp("bids"))
    with closing(sandbox):
        use(monkeypatch, sandbox)
        sandbox.record(JoinAggregate(OTHER_BSP, OTHER_LOCAL, (sandbox.pods[4].pod_id,)), OTHER_BSP)
        sandbox.qualify()
        sandbox.clock.set(from_unix(sandbox.schedule.lfp_gates[0]) - timedelta(minutes=30))
        sandbox.bid(LOCAL, CONGESTION, Market.LFP, 1, signed_kw(LOCAL_HOUR, 70), 200_000)
        sandbox.bid(OTHER_LOCAL, CONGESTION, Market.LFP, 1, signed_kw(LOCAL_HOUR, 30), 150_000)
        sandbox.bid(LOCAL, CONGESTION, Market.LFP, 2, signed_kw(LOCAL_HOUR, 10), 100_000)
        words = ["dso", "curves", *files_of(sandbox, tmp_path).write()]
        shown = run(*words, "--product", str(CONGESTION), "--json")
        assert shown.exit_code == EXIT_DONE, shown.output
        curves = [curve for curve in json.loads(shown.stdout)["curves"] if curve["steps"]]
        assert [(curve["hour"], curve["direction"]) for curve in curves] == [(LOCAL_HOUR, "up")]
        assert curves[0]["steps"] == [
            {"up_to_w": 30_000, "price_milli_eur_per_mwh": 150_000, "bidder": f"aggregate {OTHER_LOCAL}"},
            {"up_to_w": 100_000, "price_milli_eur_per_mwh": 200_000, "bidder": f"aggregate {LOCAL}"},
        ]
        assert 98_000 <= curves[0]["feasible_w"] < 100_000
        later = json.loads(run(*words, "--product", str(CONGESTION), "--session", "2", "--json").stdout)
        (curve,) = [curve for curve in later["curves"] if curve["steps"]]
        assert [step["up_to_w"] for step in curve["steps"]] == [10_000, 40_000]
        refused(run(*words, "--product", str(CONGESTION + 1)), "PRD-1", "product")
        refused(run(*words, "--product", str(CONGESTION), "--case", "a"), "GRD-2", "case")
        plan = tmp_path / "plan.json"
        plan.write_text('{"activations": []}')
        refused(run(*words, "--product", str(CONGESTION), "--activations", str(plan)), "DTL-3", "activations")


@pytest.mark.rule("DTL-2", "DTL-3", "POD-2")
def test_a_day_is_published_and_published_again_as_far_as_it_changed(
    founded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, founded)
    node = founded.node
    files = files_of(founded, tmp_path)
    options = [*files.write(), "--publish", "--dso", str(DSO)]
    # 1. Granted powers are the register's: 3 PODs of 40 kW up behind a line for 100 kW, 60 down.
    shown = run("dso", "lights", *options, "--json")
    assert shown.exit_code == EXIT_DONE, shown.output
    found = json.loads(shown.stdout)
    (perimeter,) = found["perimeters"]
    assert perimeter["number"] == PERIMETER
    assert {cell["colour"] for cell in perimeter["up"]} == {"yellow"}
    assert perimeter["up"][0]["capability_kw"] == pytest.approx(99, abs=1)
    assert found["publication"]["changed"] == {str(PERIMETER): 48} and found["publication"]["session"] == 1
    in_force = node.mirror.light_in_force(PERIMETER, DAY.number)
    assert in_force is not None
    assert [light.limit_kw for light in in_force.up_lights] == [c["capability_kw"] for c in perimeter["up"]]
    opening = node.vault.opening(in_force.payload_hash)
    assert opening is not None and opening.payload["reasons"]["up 0"] == "line A-B above 100% of its rating"
    # 2. The same again: nothing is sent.
    head = node.ledger.head().number
    again = run("dso", "lights", *options)
    assert again.exit_code == EXIT_DONE and "nothing changed, nothing published" in again.stdout
    assert node.ledger.head().number == head
    # 3. A newer forecast: 20 kW are used at B from 12 to 13, down there is less room, up there is more.
    base = files.forecast("newer.csv", {}).read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in base]
    town = next(row for row in rows if row[1] == "town")
    town[3 + 48 : 3 + 52] = ["20000"] * 4
    files.path("newer.csv").write_text("\n".join(",".join(row) for row in rows), encoding="utf-8")
    newer = [*files.options("newer.csv"), "--publish", "--dso", str(DSO)]
    shown = run("dso", "lights", *newer)
    assert shown.exit_code == EXIT_DONE, shown.output
    assert "published in LFP 1: 2 cells of 1 perimeters, 0 perimeters unchanged" in shown.stdout
    assert node.ledger.head().number == head + 1
    # 4. The DSO takes 10 kW up in an hour: down is red there.
    agreed = founded.agree(AGREED)
    order = Order(LOCAL, PERIMETER, signed_kw(LOCAL_HOUR, 10), (CONGESTION,), LOCAL, agreed)
    select_flexibility(node.recorder, DSO, node.signers[DSO], Market.LFP, DAY, 1, [order])
    assert run("dso", "lights", *newer).exit_code == EXIT_DONE
    in_force = node.mirror.light_in_force(PERIMETER, DAY.number)
    assert in_force is not None and in_force.down_lights[LOCAL_HOUR] == RED_LIGHT
    assert in_force.up_lights[LOCAL_HOUR].colour is not Colour.RED


@pytest.mark.rule("POD-1", "POD-2", "DTL-1", "DTL-3")
def test_what_files_and_register_do_not_agree_on_is_refused(
    founded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, founded)
    files = files_of(founded, tmp_path)
    options = files.write()
    publish = ["--publish", "--dso", str(DSO)]
    head = founded.node.ledger.head().number
    refused(run("dso", "lights", *options, "--publish"), "--dso with --publish")
    refused(run("dso", "lights", *options, "--publish", "--dso", "77"), "dso", "77", "whose key is here")
    refused(run("dso", "lights", *options, *publish, "--activations", files.path("pods.json")), "DTL-3")
    pods = json.loads(files.path("pods.json").read_text(encoding="utf-8"))["pods"]

    def with_pods(changed: object) -> Result:
        files.path("pods.json").write_text(json.dumps({"pods": changed}), encoding="utf-8")
        return run("dso", "lights", *options, *publish)

    refused(with_pods([{**pods[0], "key": "s0"}, *pods[1:]]), "POD-1", "POD s0")
    refused(with_pods(pods[1:]), "POD-2", "1 PODs with granted power")
    files.write()
    table = files.path("p.csv")
    table.write_text("node,perimeter\nA,x\nB,y\n", encoding="utf-8")
    refused(
        run("dso", "lights", *options, *publish, "--perimeters", table), "DTL-1", "as x has", str(PERIMETER)
    )
    assert founded.node.ledger.head().number == head


@pytest.mark.rule("SES-4")
def test_nothing_is_published_outside_an_lfp_session(
    played: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, played)
    options = files_of(played, tmp_path).write()
    refused(run("dso", "lights", *options, "--publish", "--dso", DSO), "SES-4", "gate of LFP 6")


def test_without_a_node_nothing_is_published(founded: Sandbox, tmp_path: Path) -> None:
    options = files_of(founded, tmp_path / "files").write()
    words = ["--publish", "--dso", DSO, "--state", tmp_path / "none"]
    refused(run("dso", "lights", *options, *words), "state", status=EXIT_FAILED)
    refused(run("dso", "expost", *options, "--dso", DSO, "--state", tmp_path / "none"), status=EXIT_FAILED)
    assert not (tmp_path / "none").exists()


@pytest.mark.rule("STT-3")
def test_the_day_afterwards_names_what_the_activation_caused(
    played: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2 kW were filed and 12 metered, of 10 that the DSO asked for, on a line for 10 kW."""
    use(monkeypatch, played)
    files = files_of(played, tmp_path, rated_kw=10.0)
    options = [*files.write({"s0": 2.0, "s4": 2.0}), "--dso", str(DSO)]
    shown = run("dso", "expost", *options, "--json")
    assert shown.exit_code == EXIT_DONE, shown.output
    found = json.loads(shown.stdout)
    (finding,) = found["findings"]
    assert (finding["hour"], finding["verdict"]) == (LOCAL_HOUR, "caused")
    assert finding["limit"] == "line PS-A above 100% of its rating" and not finding["uncertain"]
    # the other POD is at its forecast: no reading there
    assert finding["with"] == pytest.approx(14 / 10, abs=0.01)
    assert finding["without"] == pytest.approx(4 / 10, abs=0.01)
    assert found["served_quarters"] == 8
    codes = {number: played.pods[number].code for number in OWN}
    assert found["missing_readings"] == {codes[number]: 92 if number in (0, 4) else 96 for number in OWN}
    assert found["missing_baselines"] == {}
    # who did it
    (share,) = finding["shares"]
    assert share["perimeter"] == "PS-A" and share["changes"] == pytest.approx([1.0] * 4, abs=0.01)
    assert share["responsible"] == share["decisive"] == finding["quarters"] and not share["uncertain"]
    assert found["responsible"] == {"PS-A": {"caused": 4}}
    monkeypatch.setattr(expost_command.console, "width", 200)
    table = run("dso", "expost", *options)
    words = " ".join(table.stdout.split())
    assert f"{LOCAL_HOUR} caused line PS-A above 100% of its rating 4" in words
    assert re.search(r"PS-A \+(0\.99|1\.00)\d\d decisive", words)
    assert "PS-A: responsible for 4 caused" in words
    assert "8 quarter-hours with activations" in words and "4 caused" in words
    assert "at the forecast instead" in words


@pytest.mark.rule("STT-3")
def test_an_activation_that_hurts_nobody_is_said_so(
    played: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, played)
    options = files_of(played, tmp_path).write({"s0": 2.0, "s4": 2.0})
    shown = run("dso", "expost", *options, "--dso", DSO)
    assert shown.exit_code == EXIT_DONE and "no limit was violated" in shown.stdout


def test_a_day_that_is_not_over_is_refused(
    founded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, founded)
    options = files_of(founded, tmp_path).write()
    refused(run("dso", "expost", *options, "--dso", DSO), "TIM-1", "a day that is over")


def test_the_sandbox_is_what_these_tests_take_it_for(played: Sandbox) -> None:
    assert (UP_KW, DOWN_KW, LOCAL_HOUR, GLOBAL_HOUR) == (40, 60, 20, 12)


WHOLE, NEAR, CUT, FAR = (perimeter_id(DSO, number) for number in (2, 3, 4, 5))


def split(sandbox: Sandbox, whole: int, parts: Mapping[int, Sequence[int]]) -> None:
    """Split a perimeter of the register from the first day that is not frozen, and move its PODs along."""
    drafts = tuple(PerimeterDraft(part, (whole,), bytes(32)) for part in parts)
    sandbox.record(DeclarePerimeters(DSO, drafts), DSO)
    for part, members in parts.items():
        sandbox.record(MovePods(DSO, part, tuple(sandbox.pods[number].pod_id for number in members)), DSO)


def up_sum(document: Any) -> int:
    """The sum of capability up in hour 0; a light without one is green and may give what three PODs can."""
    cells = [perimeter["up"][0]["capability_kw"] for perimeter in document["perimeters"]]
    return sum(3 * UP_KW if kw is None else kw for kw in cells)


@pytest.mark.rule("DTL-5", "DTL-1")
def test_the_register_says_what_was_before_a_new_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three PODs near at A and two in another perimeter: one behind a bottleneck, one far out, where a kW
    costs nine times the voltage. Freed from the bottleneck's 10 kW the far one would take more from
    those at A than it gains.
    """
    sandbox = Sandbox.founded(tmp_path / "node")
    try:
        use(monkeypatch, sandbox)
        days = [DAY.plus(1), DAY.plus(2), DAY.plus(3)]
        schedules = [ScheduleTemplate().schedule(day) for day in days]
        sandbox.record(ScheduleDays(TSO, tuple(schedules)), TSO)
        storages = {"s0": "C", "s1": "B", "s2": "A", "s4": "A", "s5": "A"}
        lines = [Line("PS", "A", 5_000.0, 200.0), Line("A", "B", 5_000.0, 1_600.0), Line("A", "C", 10.0)]
        keys = {name: sandbox.pods[int(name[1])].code for name in storages}
        files = DsoFiles(tmp_path / "files", lines, {}, storages, keys, rated_kw=UP_KW)

        def at(number: int, nodes: Mapping[str, str], *words: object) -> Result:
            """The command half an hour before the gate of LFP 1, with a table of perimeters."""
            sandbox.clock.set(from_unix(schedules[number].lfp_gates[0]) - timedelta(minutes=30))
            options = files.write(day=days[number].date)
            table = files.path(f"{'-'.join(nodes.values())}.csv")
            rows = ["node,perimeter", *(f"{node},{name}" for node, name in nodes.items())]
            table.write_text("\n".join(rows), encoding="utf-8")
            return run("dso", "lights", *options, "--perimeters", table, *words)

        def on_the_ledger(day: DeliveryDay, *perimeters: int) -> int:
            """The same sum of what is in force."""
            found = [sandbox.node.mirror.light_in_force(number, day.number) for number in perimeters]
            return sum(min(light.up_lights[0].limit_kw, 3 * UP_KW) for light in found if light is not None)

        publish = ("--publish", "--dso", DSO)
        # 1. The first day of a partition in two: nothing is lower than what one perimeter had.
        sandbox.clock.set(from_unix(sandbox.schedule.lfp_gates[0]) - timedelta(minutes=30))
        split(sandbox, PERIMETER, {WHOLE: (0, 1), NEAR: (2, 4, 5)})
        two = {"A": "near", "B": "whole", "C": "whole"}
        shown = at(0, two, *publish)
        assert f"perimeter {PERIMETER} was split into near, whole: no hour gives less" in shown.stdout
        first = on_the_ledger(days[0], WHOLE, NEAR)
        assert first == 10 + 3 * UP_KW - 1
        # 2. One of the two is split again: the others keep what they have.
        split(sandbox, WHOLE, {CUT: (0,), FAR: (1,)})
        three = {"A": "near", "B": "far", "C": "cut"}
        second = json.loads(at(1, three, *publish, "--json").stdout)
        assert second["publication"]["new_splits"] == {str(WHOLE): ["far", "cut"]}
        alone = json.loads(at(1, three, "--json").stdout)
        assert up_sum(alone) < first <= up_sum(second) == on_the_ledger(days[1], NEAR, CUT, FAR)
        before = files.path("near-whole-whole.csv")
        refused(at(1, three, *publish, "--before", before), "DTL-5", "before", "which splits are new")
        # 3. On the day after it the partition is itself the one before.
        shown = at(2, three, *publish)
        assert shown.exit_code == EXIT_DONE and "split" not in shown.stdout
        assert on_the_ledger(days[2], NEAR, CUT, FAR) == up_sum(alone)
    finally:
        sandbox.close()
