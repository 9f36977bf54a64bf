"""The main job as a user runs it: `flexledger demo`, its report, its bundles checked by an outsider, what
it leaves.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from registry.bootstrap import SettableClock, SystemClock, open_node
from registry.cli.demo.grid_day import DATA, GridDay
from registry.cli.demo.scenario import DAY, DSO
from registry.cli.dso import expost as expost_command
from registry.cli.main import app
from registry.cli.verifying import verify_file
from registry.config import Settings
from registry.evidence.verify import Trust, verify_bundle_bytes
from registry.ledger.artifacts import load_artifacts
from registry.services.observed_day import observed_day

FLEXLEDGER = [sys.executable, "-m", "registry.cli"]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder one demo left."""
    folder = tmp_path_factory.mktemp("demo") / "state"
    done = subprocess.run(
        [*FLEXLEDGER, "demo", "--state", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def report(state: Path) -> dict[str, Any]:
    """Its report."""
    found: dict[str, Any] = json.loads((state / "report.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def abis() -> dict[str, Any]:
    return {name: artifact.abi for name, artifact in load_artifacts().by_name.items()}


def test_the_report_says_what_was_done(report: dict[str, Any]) -> None:
    assert report["pods"] >= 60
    assert report["session_pairs"] == 6
    assert report["readings_certified"] == 96 * (report["pods"] - 1), (
        "all but the invalidated POD have a device"
    )
    assert report["anchors"] >= 6
    assert report["tamper_found"] is True and report["rebuild_equal"] is True
    assert report["verify"]["ok"] is True
    assert {check["rule"] for check in report["verify"]["checks"]} >= {
        "AUD-1",
        "STT-2",
        "STT-4",
        "LOG-1",
        "LOG-2",
        "MEA-1",
    }
    assert all(isinstance(seconds, float) for seconds in report["seconds"].values())


@pytest.mark.rule(
    "DTL-2",
    "DTL-3",
    "DTL-4",
    "SES-2",
    "SES-4",
    "PRQ-1",
    "TOE-2",
    "POD-1",
    "POD-2",
    "MEA-2",
    "DEV-1",
    "BAS-1",
    "AUD-1",
)
def test_every_rule_that_must_refuse_did(report: dict[str, Any]) -> None:
    refused: dict[str, list[str]] = {}
    for refusal in report["refusals"]:
        assert refusal.keys() == {"rule", "attempt", "reason"}
        assert refusal["rule"] in refusal["reason"] and "reverted" not in refusal["reason"]
        refused.setdefault(refusal["rule"], []).append(refusal["attempt"])
    dso_and_bsp = "POD-1 POD-2 AGG-2 DTL-1 DTL-3 SES-2 SES-4 SES-5 DEV-1 MEA-2"
    market = "ACT-1 PRQ-1 TOE-1 TOE-2 DTL-2 DTL-4 BAS-1 STT-4 AUD-1"
    assert refused.keys() >= {*dso_and_bsp.split(), *market.split()}


@pytest.mark.rule("STT-1", "STT-3", "STT-4")
def test_metered_and_requested_aggregates_are_settled(report: dict[str, Any]) -> None:
    settled = report["settlements"]
    assert [settlement["method"] for settlement in settled] == ["metered", "metered", "requested"]
    unsettled = [
        settlement["unsettled_periods"] for settlement in settled if settlement["method"] == "metered"
    ]
    assert sum(unsettled) > 0, "a drifting clock leaves periods unsettled"
    assert all(settlement["total_cent"] > 0 for settlement in settled)
    assert len(report["bundles"]) == 3


@pytest.mark.rule("SES-5", "AUD-1")
def test_agreements_and_bids_are_settled_and_their_merit_is_checked(report: dict[str, Any]) -> None:
    agreed, bid, asked = report["bundles"]
    folder = Path(agreed).parent
    for bundle, what in ((agreed, "agreements"), (bid, "bids"), (asked, "bids")):
        words = [*FLEXLEDGER, "verify", bundle, "--openings", str(folder / "openings.json"), "--json"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
        assert checks["offers and agreements"]["detail"].endswith(what)
        assert checks["merit order"]["ok"]
    assert checks["merit order"]["detail"].startswith("0 local selections"), "global ones are paid as bid"


@pytest.mark.rule("AUD-1")
def test_an_outsider_verifies_with_nothing_but_the_file(report: dict[str, Any], tmp_path: Path) -> None:
    for bundle in report["bundles"]:
        outside = tmp_path / "bundle.flexbundle"
        outside.write_bytes(Path(bundle).read_bytes())
        done = subprocess.run(
            [*FLEXLEDGER, "verify", str(outside)], capture_output=True, text=True, check=False, cwd=Path.cwd()
        )
        assert done.returncode == 0, done.stdout
        assert "every figure re-derived" in done.stdout


@pytest.mark.rule("AUD-1")
def test_the_verdict_comes_as_json_too(report: dict[str, Any]) -> None:
    words = [*FLEXLEDGER, "verify", report["bundles"][0], "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    verdict = json.loads(done.stdout)
    assert verdict["ok"] is True and len(verdict["checks"]) >= 16
    assert verdict["figures"]["total_cent"] == report["settlements"][0]["total_cent"]


@pytest.mark.rule("AUD-1")
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_found_and_the_check_has_a_name(
    report: dict[str, Any], abis: dict[str, Any], data: st.DataObject
) -> None:
    original = Path(report["bundles"][0]).read_bytes()
    at = data.draw(st.integers(0, len(original) - 1))
    changed = bytearray(original)
    changed[at] ^= data.draw(st.integers(1, 255))
    result = verify_bundle_bytes(bytes(changed), Trust(), abis)
    assert not result.ok and result.failures[0].name


@pytest.mark.rule("AUD-1")
def test_a_bundle_of_another_deployment_is_not_trusted(
    report: dict[str, Any], state: Path, tmp_path: Path
) -> None:
    deployment = json.loads((state / "chain" / "deployment.json").read_text(encoding="utf-8"))
    deployment["addresses"]["Market"] = deployment["addresses"]["Pods"]
    other = tmp_path / "deployment.json"
    other.write_text(json.dumps(deployment), encoding="utf-8")
    result = verify_file(Path(report["bundles"][0]), other)
    assert [check.name for check in result.failures] == ["trust"]


@pytest.mark.rule("PRIV-1", "PRIV-3")
def test_no_pod_code_and_no_price_is_on_the_chain_or_in_the_mirror(state: Path) -> None:
    for file in (state / "chain" / "chain.sqlite", state / "register.sqlite"):
        content = b"".join(path.read_bytes() for path in file.parent.glob(file.name + "*"))
        assert b"IT001E" not in content
        assert b"price" not in content


@pytest.mark.rule("MIR-1")
def test_what_it_left_opens_again_and_rebuilds_equal(state: Path) -> None:
    with open_node(Settings(state=state), SystemClock()) as node:
        before = list(node.mirror.dump())
        node.mirror.drop()
        node.mirror.catch_up()
        assert list(node.mirror.dump()) == before
        assert node.log.checkpoint().size > 10_000


@pytest.mark.rule("DTL-2", "SES-1")
def test_lights_and_outcomes_of_all_sessions_are_in_the_register(state: Path) -> None:
    with open_node(Settings(state=state), SystemClock()) as node:
        day = node.mirror.days()[0].day
        lights = node.mirror.lights(day, limit=1000)
        assert {light.session for light in lights} == set(range(1, 7))
        colours = {cell.colour.name for light in lights for cell in (*light.up_lights, *light.down_lights)}
        assert colours == {"GREEN", "YELLOW", "RED"}
        assert {selection.session for selection in node.mirror.selections(day, limit=1000)} >= {1, 2, 4, 6}


def test_the_day_afterwards_the_dso_sees_whose_activations_cured(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the meters' active and reactive power the local activations did what the DSO bought them for."""
    options = {
        "--grid": DATA / "grid.json",
        "--pods": state / "grid" / "pods.json",
        "--forecast": state / "grid" / "forecast.csv",
        "--day": DAY.date,
        "--dso": DSO,
    }
    words = [str(word) for option in options.items() for word in option]
    with open_node(Settings(state=state), SettableClock(DAY.ends_at)) as node:
        monkeypatch.setattr(expost_command, "open_existing", lambda _: nullcontext(node))
        shown = CliRunner().invoke(app, ["dso", "expost", *words, "--json"])
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert found["counts"]["cured"] > 20 and found["counts"]["caused"] == found["counts"]["worsened"] == 0
    strained = {"MV1.101 Line 37", "MV1.101 Line 75"}
    assert found["responsible"].keys() == strained
    decided = [row for row in found["findings"] if any(share["decisive"] for share in row["shares"])]
    assert len(decided) > len(found["findings"]) / 2


def test_devices_of_the_demo_meter_reactive_power(state: Path) -> None:
    """What the forecast of the real day says of a load, up to the meter's noise of 2 per mille."""
    grid = GridDay.load()
    keys = {pod.elements[0].name: pod for pod in grid.pods}
    written = json.loads((state / "grid" / "pods.json").read_text(encoding="utf-8"))["pods"]
    pod = next(
        row for row in written if len(row["elements"]) == 1 and row["elements"][0]["technology"] == "load"
    )
    drawn = grid.drawn_var(keys[pod["elements"][0]["name"]], grid.actual)
    with open_node(Settings(state=state), SettableClock(DAY.ends_at)) as node:
        pod_id = node.vault.pod_id_of(pod["key"])
        assert pod_id is not None
        (day,) = observed_day(node.recorder, node.log, DAY, [pod_id]).values()
    assert min(drawn) > 1_000
    read = [(-seen, var) for seen, var in zip(day.metered_var, drawn, strict=True) if seen is not None]
    assert len(read) > 90
    assert [seen for seen, _ in read] == pytest.approx([var for _, var in read], rel=0.003, abs=8)


def test_a_foreign_folder_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("do not delete", encoding="utf-8")
    done = subprocess.run(
        [*FLEXLEDGER, "demo", "--state", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "holds something else" in done.stderr and "Traceback" not in done.stderr
    assert (tmp_path / "precious").read_text(encoding="utf-8") == "do not delete"


def test_a_folder_that_a_node_works_in_is_not_emptied(state: Path) -> None:
    with open_node(Settings(state=state), SystemClock()):
        done = subprocess.run(
            [*FLEXLEDGER, "demo", "--state", str(state)], capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert "already in use" in done.stderr and "Traceback" not in done.stderr
    assert (state / "report.json").exists()
