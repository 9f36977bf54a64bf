"""Anchors of a log with witnesses: what they count, and for how long witnesses are waited for (LOG-2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.evidence.checkpoints import NoteKey, open_checkpoint
from registry.evidence.cosignatures import WitnessKey, count_witnesses, read_cosignatures
from registry.evidence.witnessing import AddCheckpoint
from registry.log import AccessNode, Anchorer
from registry.log.cosigning import COSIGNED, CosignatureCollector
from registry.log.http_witness import WitnessUnreachable
from registry.log.node import TREE_FOLDER
from registry.log.witness import LogForked, ProofInvalid, Witness
from registry.ports import DatabaseCorrupted
from tests.unit.log.log_house import NOTE_KEY, ORIGIN, House
from tests.unit.log.signed_logs import ed25519
from tests.unit.log.test_anchoring import EVERY_ENTRIES, EVERY_SECONDS, NODE, AnchorLedger, NodeSigner

pytestmark = pytest.mark.rule("LOG-2")
WAIT = 30
LOG_KEY = NoteKey(ORIGIN, NOTE_KEY.public_key().public_bytes_raw())


class Away:
    """A witness that answers only while it is not ``away``."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self.key: WitnessKey = witness.key
        self.away = False

    def add_checkpoint(self, request: AddCheckpoint) -> bytes:
        if self.away:
            raise WitnessUnreachable(found="nothing", expected="an answer", remedy="wait")
        return self._witness.add_checkpoint(request)


@dataclass
class Watched:
    """An access node whose log has witnesses, and the ledger it anchors on."""

    house: House
    node: AccessNode
    ledger: AnchorLedger
    witnesses: list[Away]
    collector: CosignatureCollector = field(init=False)
    anchorer: Anchorer = field(init=False)

    def __post_init__(self) -> None:
        self.collector = CosignatureCollector(self.house.folder / TREE_FOLDER, self.witnesses)
        self.anchorer = Anchorer(
            self.node,
            self.ledger,
            NodeSigner(),
            NODE,
            EVERY_ENTRIES,
            EVERY_SECONDS,
            self.house.clock,
            self.collector,
            WAIT,
        )

    def log(self, count: int) -> None:
        """Log so many readings and publish the head, which is what witnesses see."""
        size, device = self.node.size, self.house.device("a")
        self.node.submit([device.reading(slot, slot + 1) for slot in range(size, size + count)])
        self.node.checkpoint()

    def later(self, seconds: int) -> None:
        self.house.clock.seconds += seconds

    def recounted(self, size: int) -> int:
        """What everybody counts under the note that is kept of an anchored size."""
        note = self.collector.kept(size)
        if note is None:
            return 0
        assert open_checkpoint(note, LOG_KEY).size == size
        return count_witnesses(read_cosignatures(note, [each.key for each in self.witnesses]))


def witness(folder: Path, name: str, house: House) -> Away:
    return Away(Witness(folder / name, f"{name}.example/w", ed25519(name), [LOG_KEY], house.clock))


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    house = House(tmp_path / "log")
    house.clock.seconds += 1000 * 900
    house.device("a")
    with house.open() as node:
        three = [witness(tmp_path, name, house) for name in ("tso", "dso", "bsp")]
        yield Watched(house, node, AnchorLedger(house.clock), three)


def test_an_anchor_counts_who_cosigned_it(watched: Watched) -> None:
    watched.log(EVERY_ENTRIES)
    watched.collector.collect()
    assert watched.anchorer.run_once() is not None
    assert watched.ledger.counted() == [(10, 3)]
    assert watched.recounted(10) == 3


def test_what_the_witnesses_saw_is_anchored_though_the_log_went_on(watched: Watched) -> None:
    watched.log(EVERY_ENTRIES)
    watched.collector.collect()
    watched.log(3)
    assert watched.anchorer.run_once() is not None
    assert watched.ledger.counted() == [(10, 3)]
    assert watched.anchorer.lag().entries == 3
    watched.collector.collect()
    assert watched.anchorer.run_once() is None, "three entries are not due"
    watched.later(EVERY_SECONDS)
    assert watched.anchorer.run_once() is not None
    assert watched.ledger.counted() == [(10, 3), (13, 3)]


def test_less_than_is_due_is_not_anchored_because_it_is_cosigned(watched: Watched) -> None:
    """Otherwise a log that grows fast would be anchored at every cosignature."""
    watched.log(EVERY_ENTRIES - 1)
    watched.collector.collect()
    watched.log(1)
    assert watched.anchorer.run_once() is None, "the ten are due, and nobody has cosigned them yet"
    watched.collector.collect()
    assert watched.anchorer.run_once() is not None
    assert watched.ledger.counted() == [(10, 3)]


@pytest.mark.parametrize(
    ("away", "counted"), [(1, (10, 2)), (2, (10, 1)), (3, (12, 0))], ids=["one", "two", "all"]
)
def test_a_witness_that_is_down_delays_by_the_wait_and_no_more(
    watched: Watched, away: int, counted: tuple[int, int]
) -> None:
    for each in watched.witnesses[:away]:
        each.away = True
    watched.log(EVERY_ENTRIES)
    watched.collector.collect()
    watched.log(2)
    assert watched.anchorer.run_once() is None
    watched.later(WAIT - 1)
    assert watched.anchorer.run_once() is None
    watched.later(1)
    assert watched.anchorer.run_once() is not None
    assert watched.ledger.counted() == [counted]
    assert watched.recounted(counted[0]) == counted[1]


def test_the_wait_ends_when_the_last_witness_is_back(watched: Watched) -> None:
    watched.witnesses[0].away = True
    watched.log(EVERY_ENTRIES)
    watched.collector.collect()
    assert watched.anchorer.run_once() is None
    watched.witnesses[0].away = False
    watched.collector.collect()
    assert watched.anchorer.run_once() is not None
    assert watched.ledger.counted() == [(10, 3)]


def test_each_anchor_waits_anew(watched: Watched) -> None:
    watched.witnesses[0].away = True
    for size in (10, 20):
        watched.log(EVERY_ENTRIES)
        watched.collector.collect()
        assert watched.anchorer.run_once() is None
        watched.later(WAIT)
        assert watched.anchorer.run_once() is not None
        assert watched.ledger.counted()[-1] == (size, 2)


def test_a_clock_that_is_set_back_does_not_prolong_the_wait(watched: Watched) -> None:
    watched.log(EVERY_ENTRIES)
    assert watched.anchorer.run_once() is None
    watched.later(-500)
    assert watched.anchorer.run_once() is None
    watched.later(WAIT)
    assert watched.anchorer.run_once() is not None


def test_an_anchor_on_demand_is_of_the_head_and_waits_for_nobody(watched: Watched) -> None:
    watched.log(2)
    watched.collector.collect()
    assert watched.anchorer.anchor() is not None
    watched.log(1)
    assert watched.anchorer.anchor() is not None
    assert watched.ledger.counted() == [(2, 3), (3, 0)]
    assert [watched.recounted(size) for size in (2, 3)] == [3, 0]


def test_a_chain_that_is_down_is_anchored_on_later_by_the_same_rules(watched: Watched) -> None:
    watched.log(EVERY_ENTRIES)
    watched.collector.collect()
    watched.ledger.down = True
    assert watched.anchorer.run_once() is None
    watched.log(EVERY_ENTRIES)
    watched.ledger.down = False
    assert watched.anchorer.run_once() is not None
    assert watched.ledger.counted() == [(10, 3)]


def test_one_witness_under_two_names_counts_once(watched: Watched, tmp_path: Path) -> None:
    first, *_ = watched.witnesses
    again = Away(
        Witness(tmp_path / "again", "tso.example/other", ed25519("tso"), [LOG_KEY], watched.house.clock)
    )
    twice = Watched(watched.house, watched.node, watched.ledger, [first, again])
    twice.log(EVERY_ENTRIES)
    assert len(twice.collector.collect().cosignatures) == 2
    assert twice.anchorer.run_once() is not None
    assert twice.ledger.counted() == [(10, 1)]


def test_damaged_cosignatures_count_for_nothing_and_stop_nothing(watched: Watched) -> None:
    watched.log(EVERY_ENTRIES)
    watched.collector.collect()
    path = watched.house.folder / TREE_FOLDER / COSIGNED
    note = path.read_bytes()
    path.write_bytes(note[: len(note) // 2])
    assert watched.anchorer.run_once() is None
    watched.later(WAIT)
    assert watched.anchorer.run_once() is not None
    assert watched.ledger.counted() == [(10, 0)]


def test_of_a_forked_log_honest_witnesses_count_nothing(watched: Watched, tmp_path: Path) -> None:
    """An operator shows one story to the witnesses, then goes on with another under the same key. The
    contract cannot see that: the anchor of the other story says that no honest witness stands behind it.
    """
    watched.log(EVERY_ENTRIES)
    watched.collector.collect()
    house = House(tmp_path / "fork", watched.house.directory, watched.house.clock)
    house.device("b")
    with house.open() as node:
        node.submit([house.device("b").reading(slot, slot + 1) for slot in range(EVERY_ENTRIES)])
        node.checkpoint()
        forked = Watched(house, node, AnchorLedger(house.clock), watched.witnesses)
        failures = forked.collector.collect().failures
        assert {type(failure) for failure in failures.values()} == {LogForked} and len(failures) == 3
        assert forked.anchorer.run_once() is None
        forked.later(WAIT)
        assert forked.anchorer.run_once() is not None
        assert forked.ledger.counted() == [(10, 0)]
        assert forked.collector.kept(10) is None
    assert watched.anchorer.run_once() is not None
    assert watched.ledger.counted() == [(10, 3)], "the story that they were told first"


def test_a_log_that_its_own_witnesses_contradict_stops(watched: Watched, tmp_path: Path) -> None:
    """What they cosigned lies beside it and is of another tree, or of more entries than are left."""
    watched.log(EVERY_ENTRIES)
    watched.collector.collect()
    told = (watched.house.folder / TREE_FOLDER / COSIGNED).read_bytes()
    for number, entries in enumerate((EVERY_ENTRIES, EVERY_ENTRIES - 1)):
        house = House(tmp_path / f"other {number}", watched.house.directory, watched.house.clock)
        house.device("b")
        with house.open() as node:
            node.submit([house.device("b").reading(slot, slot + 1) for slot in range(entries)])
            (house.folder / TREE_FOLDER / COSIGNED).write_bytes(told)
            other = Watched(house, node, AnchorLedger(house.clock), watched.witnesses)
            for anchor in (other.anchorer.run_once, other.anchorer.anchor):
                with pytest.raises(DatabaseCorrupted, match="witnesses have cosigned"):
                    anchor()
            assert other.ledger.counted() == []


def test_a_witness_that_knows_only_the_fork_counts_alone(watched: Watched, tmp_path: Path) -> None:
    watched.log(EVERY_ENTRIES - 1)
    watched.collector.collect()
    house = House(tmp_path / "fork", watched.house.directory, watched.house.clock)
    house.device("b")
    fooled = witness(tmp_path, "fooled", house)
    with house.open() as node:
        node.submit([house.device("b").reading(slot, slot + 1) for slot in range(EVERY_ENTRIES)])
        node.checkpoint()
        forked = Watched(house, node, AnchorLedger(house.clock), [*watched.witnesses, fooled])
        failures = forked.collector.collect().failures
        assert {type(failure) for failure in failures.values()} == {ProofInvalid} and len(failures) == 3
        assert forked.anchorer.run_once() is None
        forked.later(WAIT)
        assert forked.anchorer.run_once() is not None
        assert forked.ledger.counted() == [(10, 1)]
        assert forked.recounted(10) == 1


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("log"), st.integers(1, 12)),
        st.tuples(st.just("later"), st.integers(1, EVERY_SECONDS)),
        st.tuples(st.just("away"), st.integers(0, 7)),
        st.tuples(st.just("collect"), st.just(0)),
        st.tuples(st.just("anchor"), st.just(0)),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=25)
@given(acts=ACTS)
def test_whatever_happens_anchors_grow_claim_what_is_kept_and_come_in_time(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int]]
) -> None:
    """And once the wait has passed over a head that is due, nothing that is due is left."""
    folder = tmp_path_factory.mktemp("log")
    house = House(folder / "log")
    house.clock.seconds += 1000 * 900
    with house.open() as node:
        three = [witness(folder, name, house) for name in ("tso", "dso", "bsp")]
        watched = Watched(house, node, AnchorLedger(house.clock), three)
        for act, number in acts:
            if act == "log":
                watched.log(number)
            elif act == "later":
                watched.later(number)
            elif act == "away":
                for bit, each in enumerate(three):
                    each.away = bool(number >> bit & 1)
            elif act == "collect":
                watched.collector.collect()
            else:
                watched.anchorer.run_once()
        # the caretaker goes on: each wait that begins ends, and with it the lag
        for _ in range(60):
            watched.anchorer.run_once()
            watched.later(WAIT)
        lag = watched.anchorer.lag()
        assert lag.entries < EVERY_ENTRIES and lag.seconds < EVERY_SECONDS + 2 * WAIT
        counted = watched.ledger.counted()
        assert counted == sorted(counted) and len({size for size, _ in counted}) == len(counted)
        assert [(size, watched.recounted(size)) for size, _ in counted] == counted
