"""What mirrors do with the blocks of a chain: on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.domain import events as facts
from registry.mirror import SqlMirror
from registry.ports import RecordedBlock
from tests.conformance.mirror_world import LOCAL, UNFROZEN, Fresh, lit, registered
from tests.unit.mirror.fake_ledger import (
    BSP,
    GENESIS_TIME,
    FakeLedger,
    Storyteller,
    address_of,
    in_blocks,
    opening,
    word,
)


@pytest.mark.rule("MIR-1")
def test_a_dropped_mirror_comes_back_row_for_row(mirror: SqlMirror, ledger: FakeLedger) -> None:
    for block in in_blocks(Storyteller(7).tell(150), 9):
        ledger.mine(*block)
        mirror.catch_up()
    before = list(mirror.dump())
    assert len(before) > 200
    mirror.drop()
    assert mirror.position() is None and list(mirror.dump()) == []
    assert mirror.parties() == []
    assert mirror.catch_up() == ledger.head()
    assert list(mirror.dump()) == before


@pytest.mark.rule("MIR-1")
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 10**6), sizes=st.lists(st.integers(1, 12), min_size=4, max_size=12), data=st.data()
)
def test_any_way_of_following_ends_where_a_rebuild_ends(
    fresh: Fresh, seed: int, sizes: list[int], data: st.DataObject
) -> None:
    """Blocks arrive in any portions, the chain gives up its tail, the follower restarts."""
    ledger = FakeLedger()
    ledger.mine(*opening())
    url = fresh()
    followed = SqlMirror(url, ledger)
    followed.catch_up()
    stories = [Storyteller(seed)]
    for size in sizes:
        what = data.draw(st.sampled_from(["tell", "tell", "tell", "restart", "fork"]))
        if what == "restart":
            followed.close()
            followed = SqlMirror(url, ledger)
        elif what == "fork":
            # the story so far is forgotten; a new one begins after the opening, as long as the old one or not
            ledger.give_up(2)
            stories.append(Storyteller(seed + len(stories)))
            ledger.mine(*stories[-1].tell(size))
        else:
            ledger.mine(*stories[-1].tell(size))
            if data.draw(st.booleans()):
                followed.catch_up()
    assert followed.catch_up() == ledger.head()
    rebuilt = SqlMirror(fresh(), ledger)
    rebuilt.catch_up()
    assert list(followed.dump()) == list(rebuilt.dump())
    followed.close()
    rebuilt.close()


@pytest.mark.rule("MIR-1")
def test_a_fork_undoes_exactly_what_the_chain_gave_up(mirror: SqlMirror, ledger: FakeLedger) -> None:
    pod, gone = word("pod"), word("gone")
    ledger.mine(registered(pod), registered(gone))
    ledger.mine(lit(pod, UNFROZEN, 50))
    mirror.catch_up()
    common = list(mirror.dump())
    ledger.mine(lit(pod, UNFROZEN, 70))
    ledger.mine((address_of(BSP), facts.PodWithdrawn(gone, BSP, UNFROZEN)))
    ledger.mine()
    mirror.catch_up()
    view = mirror.pod(pod)
    assert view is not None and view.granted_up_kw == 70
    withdrawn = mirror.pod(gone)
    assert withdrawn is not None and withdrawn.withdrawn
    # the chain takes the last three blocks back
    ledger.give_up(4)
    mirror.catch_up()
    assert list(mirror.dump()) == common
    # and tells something else
    ledger.mine(lit(pod, UNFROZEN, 20))
    mirror.catch_up()
    view = mirror.pod(pod)
    assert view is not None and view.granted_up_kw == 20
    assert [entry.state["granted_up_kw"] for entry in mirror.history("pod", pod.hex())] == [0, 50, 20]


def test_a_fork_below_everything_known_starts_anew(mirror: SqlMirror, ledger: FakeLedger) -> None:
    ledger.give_up(1)
    ledger.mine_at(GENESIS_TIME + 1, opening()[:2], salt=b"another chain")
    assert mirror.catch_up() == ledger.head()
    assert [party.party for party in mirror.parties()] == [1, 2]


class Lying(FakeLedger):
    """When told to, ends its last block with something that cannot have happened."""

    lies = False

    def recorded(self, from_block: int, to_block: int) -> list[RecordedBlock]:
        blocks = super().recorded(from_block, to_block)
        if not self.lies:
            return blocks
        last = blocks[-1]
        lie = replace(last.events[-1], event=facts.PodLeft(LOCAL, word("nobody"), UNFROZEN), log_index=999)
        return [*blocks[:-1], RecordedBlock(last.ref, (*last.events, lie))]


@pytest.mark.rule("MIR-1")
def test_rows_and_position_move_together_or_not_at_all(fresh: Fresh) -> None:
    ledger = Lying()
    ledger.mine(*opening())
    mirror = SqlMirror(fresh(), ledger)
    mirror.catch_up()
    before = list(mirror.dump())
    ledger.mine(registered(word("pod")))
    ledger.lies = True
    with pytest.raises(LookupError):
        mirror.catch_up()
    assert list(mirror.dump()) == before
    ledger.lies = False
    assert mirror.catch_up() == ledger.head()
    assert mirror.pod(word("pod")) is not None
    mirror.close()


def test_two_followers_on_one_database_do_not_double_anything(fresh: Fresh, ledger: FakeLedger) -> None:
    url = fresh()
    first, second = SqlMirror(url, ledger), SqlMirror(url, ledger)
    first.catch_up()
    second.catch_up()
    ledger.mine(registered(word("pod")))
    second.catch_up()
    first.catch_up()
    alone = SqlMirror(fresh(), ledger)
    alone.catch_up()
    assert list(first.dump()) == list(second.dump()) == list(alone.dump())
    for mirror in (first, second, alone):
        mirror.close()
