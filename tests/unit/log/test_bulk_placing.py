"""Batches written in bulk leave the same log as the same statements one by one (MEA-2)."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.ports import Accepted, Answer
from tests.unit.log.log_house import Device, House

DEVICES = [Device(name) for name in "abc"]
OTHER = st.integers(0, 8).map(lambda number: number == 0)
STEPS = st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(-1, 2), OTHER)


def statements(steps: list[tuple[int, int, int, bool]]) -> list[bytes]:
    """Mostly the next reading of a device; at times a counter passed over or used again, or other bytes."""
    at, counters = [0, 0, 0], [0, 0, 0]
    made = []
    for number, chance, jump, other in steps:
        counters[number] = max(1, counters[number] + (1 if chance else 1 + jump))
        made.append(
            DEVICES[number].reading(at[number], counters[number], import_wh=7 if other else 400 + at[number])
        )
        at[number] += 0 if other else 1
    return made


def tell(answer: Answer) -> tuple[object, ...]:
    if isinstance(answer, Accepted):
        return answer.index, answer.duplicate
    return answer.violation.rule, answer.violation.field, str(answer.violation)


def rows(house: House) -> dict[str, list[object]]:
    db = sqlite3.connect(house.folder / "log.sqlite")
    tables = ("positions", "claims", "counters", "keys", "pods", "gaps", "conflicts")
    found = {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
    frames = [row[0] for row in db.execute("SELECT frames FROM entries ORDER BY first")]
    db.close()
    return {**found, "entries": [b"".join(frames)]}


@pytest.mark.rule("MEA-2", "LOG-1")
@settings(max_examples=20, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=40))
def test_bulk_and_one_by_one_leave_the_same_log(steps: list[tuple[int, int, int, bool]]) -> None:
    batch = statements(steps)
    batch += batch[::5]  # some again
    folder = Path(tempfile.mkdtemp())
    houses = [House(folder / name) for name in ("bulk", "single")]
    for house in houses:
        house.clock.seconds += 100 * 900
        for device in DEVICES:
            house.directory.bind(device)
    bulk, single = houses
    with bulk.open() as node:
        together, root = [tell(answer) for answer in node.submit(batch)], node.checkpoint().root
    with single.open() as node:
        apart = [tell(answer) for data in batch for answer in node.submit([data])]
        assert (together, root) == (apart, node.checkpoint().root)
    assert rows(bulk) == rows(single)
    shutil.rmtree(folder)
