"""The access node against a model of dictionaries, over random orders of everything a device can do wrong
(MEA-2, MEA-3).
"""

from __future__ import annotations

import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from registry.evidence.merkle import EMPTY_ROOT
from registry.evidence.payloads import Reading
from registry.evidence.statements import parse
from registry.log import AccessNode
from registry.ports import Accepted, Refused
from tests.unit.log.log_house import Device, House

SLOTS, COUNTERS = 12, 10
devices = st.sampled_from([Device("a"), Device("b")])
statements = st.builds(
    lambda device, slot, counter, energy: device.reading(slot, counter, import_wh=energy),
    devices,
    st.integers(0, SLOTS - 1),
    st.integers(1, COUNTERS),
    st.integers(0, 1),
)


class LogMachine(RuleBasedStateMachine):
    """Submits random readings of two devices, restarts at random, and keeps books of its own."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.house = self.make_house(self.folder / "log")
        self.node: AccessNode = self.house.open()
        for name in ("a", "b"):
            self.house.device(name)
        self.entries: list[bytes] = []
        self.receipts: list[bytes] = []
        self.by_period: dict[tuple[bytes, int], int] = {}
        self.by_counter: dict[tuple[bytes, int], int] = {}
        self.conflicts: dict[tuple[str, int, bytes], None] = {}
        self.roots: dict[int, bytes] = {}

    def make_house(self, folder: Path) -> House:
        """Where the log is kept."""
        return House(folder)

    @rule(batch=st.lists(statements, min_size=1, max_size=8))
    def submit(self, batch: list[bytes]) -> None:
        answers = self.node.submit(batch)
        for statement, answer in zip(batch, answers, strict=True):
            assert answer.statement_id == sha256(statement).digest()
            self._expect(statement, answer)

    def _expect(self, statement: bytes, answer: Accepted | Refused) -> None:
        parsed = parse(statement)
        payload = parsed.payload
        assert isinstance(payload, Reading)
        period, counter = (payload.pod_id, payload.period_start), (parsed.kid, payload.counter)
        in_period, with_counter = self.by_period.get(period), self.by_counter.get(counter)
        if in_period is not None and self.entries[in_period] == statement:
            assert isinstance(answer, Accepted) and answer.duplicate
            assert (answer.index, answer.receipt) == (in_period, self.receipts[in_period])
        elif in_period is not None:
            assert isinstance(answer, Refused) and answer.violation.field == "period_start"
            self.conflicts[("period_start", in_period, statement)] = None
        elif with_counter is not None:
            assert isinstance(answer, Refused) and answer.violation.field == "counter"
            self.conflicts[("counter", with_counter, statement)] = None
        else:
            assert isinstance(answer, Accepted) and not answer.duplicate
            assert answer.index == len(self.entries)
            self.by_period[period] = self.by_counter[counter] = answer.index
            self.entries.append(statement)
            self.receipts.append(answer.receipt)

    @rule()
    def restart(self) -> None:
        self.node.close()
        self.node = self.house.open()

    @rule()
    def lose_the_files(self) -> None:
        self.node.close()
        shutil.rmtree(self.house.folder / "tree")
        self.node = self.house.open()

    @rule()
    def see_the_head(self) -> None:
        """From then on the files have what was committed; in between they are behind."""
        head = self.node.checkpoint()
        assert head.size == len(self.entries)
        assert head.root == self.roots.get(head.size, EMPTY_ROOT)
        if head.size:
            assert self.house.checked_size(self.node) == head.size

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "node"):
            return
        size = self.node.size
        assert size == len(self.entries)
        root = self.node.root_at(size)
        assert root is None or self.roots.setdefault(size, root) == root
        found = [(each.field, each.index, each.refused) for each in self.node.conflicts()]
        assert found == list(self.conflicts)
        missing = {
            (gap.key_id, number) for gap in self.node.gaps() for number in range(gap.first, gap.last + 1)
        }
        highest: dict[bytes, int] = {}
        for kid, counter in self.by_counter:
            highest[kid] = max(highest.get(kid, 0), counter)
        assert missing == {
            (kid, number)
            for kid, top in highest.items()
            for number in range(1, top + 1)
            if (kid, number) not in self.by_counter
        }

    def teardown(self) -> None:
        if hasattr(self, "node"):
            self.see_the_head()
            assert [self.node.entry(index) for index in range(len(self.entries))] == self.entries
            self.node.close()
            shutil.rmtree(self.folder)


LogMachine.TestCase.settings = settings(max_examples=12, stateful_step_count=15, deadline=None)


@pytest.mark.rule("MEA-2", "MEA-3")
class TestIntakeAgainstModel(LogMachine.TestCase):  # type: ignore[misc]
    """Runs the machine."""
