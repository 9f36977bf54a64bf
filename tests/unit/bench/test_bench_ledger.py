"""`bench ledger` in small: every line is there, and what it records is what it says."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.chain import BLOCK_GAS, LedgerSizes, measure_ledger
from bench.results import Result
from bench.servers import MissingProgram
from tests.conftest import not_run

ROOT = Path(__file__).resolve().parents[3]
LONG = ("--json", "--pods", "100000", "--perimeters", "1", "--selected", "2")
SIZES = LedgerSizes(pods=200, perimeters=2, selected=8, block_s=0.1)


@pytest.fixture(scope="module")
def measured() -> dict[str, Result]:
    try:
        return {result.name: result for result in measure_ledger(SIZES)}
    except MissingProgram as error:
        not_run(str(error))


def test_every_line_is_there(measured: dict[str, Result]) -> None:
    parts = ("", ".blocks", ".mirror_lag", ".mirror")
    assert measured.keys() == {
        *(f"ledger.register{part}" for part in parts),
        *(f"ledger.day{part}" for part in parts),
        "ledger.memory",
    }
    assert all(result.line() for result in measured.values())


def test_all_was_recorded_and_mirrored(measured: dict[str, Result]) -> None:
    """Of the registration an event per POD; of the day six lights per perimeter, and for each market and
    session an outcome and the end of a declaration per perimeter and a declaration per POD.
    """
    assert measured["ledger.register.mirror"].sizes["events"] == SIZES.pods
    day = 6 * (SIZES.perimeters + 2 * 2 * SIZES.perimeters + SIZES.selected)
    assert measured["ledger.day.mirror"].sizes["events"] == day
    assert measured["ledger.register.blocks"].sizes["transactions"] == 3
    assert measured["ledger.register"].sizes["gas_per_pod"] < 33_000


def test_fewer_blocks_than_the_gas_fills_are_not_possible(measured: dict[str, Result]) -> None:
    for name in ("ledger.register.blocks", "ledger.day.blocks"):
        result = measured[name]
        assert result.reference_value == -(-int(result.sizes["gas"]) // BLOCK_GAS)
        assert result.ratio <= 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_chain_and_mirror_too(measured: dict[str, Result], number: signal.Signals) -> None:
    """Once it has begun to register, a chain and a mirror are its children."""
    # A test run in the background ignores interrupts, and what it starts would inherit that.
    words = ["env", "--default-signal=INT", sys.executable, "-m", "registry.cli", "bench", "ledger", *LONG]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as one:
        assert one.stderr is not None
        assert re.fullmatch(r"100000 PODs\n", one.stderr.readline())
        children = _children(one.pid)
        assert len(children) == 2
        one.send_signal(number)
        try:
            assert one.wait(60) != 0
        finally:
            one.kill()
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for one in listed for child in one.read_text(encoding="ascii").split()]
