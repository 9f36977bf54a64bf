"""What mirrors say of parties, of the place of a fact and of its time: on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest

from registry.domain import events as facts
from registry.domain.enums import (
    PartyKind,
    Right,
)
from registry.mirror import SqlMirror
from tests.conformance.mirror_world import at, registered
from tests.unit.mirror.fake_ledger import (
    ADMIN,
    BSP,
    DSO,
    GENESIS_TIME,
    OTHER_BSP,
    TSO,
    FakeLedger,
    address_of,
    word,
)


@pytest.mark.rule("ACT-1")
def test_parties_their_keys_and_what_they_were_before(mirror: SqlMirror, ledger: FakeLedger) -> None:
    before = ledger.head().time
    new = "0xAbCdEf0000000000000000000000000000000001"
    ledger.mine(("0x" + "Ad" * 20, facts.SignerRotated(BSP, address_of(BSP), new)))
    ledger.mine(("0x" + "Ad" * 20, facts.PartySuspended(BSP, word("why"))))
    mirror.catch_up()
    party = mirror.party(BSP)
    assert party is not None
    assert (party.kind, party.suspended, party.signers) == (PartyKind.BSP, True, (new,))
    assert (party.recorded.event, party.recorded.actor) == ("PartySuspended", 0)
    assert mirror.party_of_address(address_of(BSP)) is None
    assert mirror.party_of_address(new.lower()) == party
    old = mirror.party(BSP, as_of=at(before))
    assert old is not None and (old.suspended, old.signers) == (False, (address_of(BSP),))
    assert mirror.party_of_address(address_of(BSP), as_of=at(before)) == old
    assert mirror.party(BSP, as_of=at(GENESIS_TIME)) is None
    assert [party.party for party in mirror.parties(kind=PartyKind.BSP)] == [BSP, OTHER_BSP]


def test_pages_follow_each_other_by_key(mirror: SqlMirror, ledger: FakeLedger) -> None:
    pods = sorted(word(str(number)) for number in range(25))
    ledger.mine(*(registered(pod) for pod in pods))
    mirror.catch_up()
    found: list[bytes] = []
    after = None
    while page := mirror.pods(bsp=BSP, after=after, limit=7):
        assert len(page) <= 7
        found += [view.pod_id for view in page]
        after = page[-1].key
    assert found == pods
    steps = mirror.history("party", "00001", limit=1)
    assert mirror.history("party", "00001", after=steps[-1].key) == []


@pytest.mark.rule("ACT-1")
def test_seats_of_the_admin_and_delegated_rights(mirror: SqlMirror, ledger: FakeLedger) -> None:
    seats = (address_of(DSO), address_of(TSO))
    ledger.mine(
        (ADMIN, facts.AdminOffered(seats, 2)),
        (seats[0], facts.AdminAccepted(seats[0])),
        (address_of(BSP), facts.RightDelegated(BSP, OTHER_BSP, Right.FILE_BASELINES, 2 * GENESIS_TIME)),
    )
    ledger.mine(
        (seats[1], facts.AdminAccepted(seats[1])),
        (seats[1], facts.AdminHandedOver(seats, 2)),
        (seats[0], facts.ConsentGiven(seats[0], 1, 2)),
        (address_of(BSP), facts.DelegationEnded(BSP, OTHER_BSP, Right.FILE_BASELINES)),
    )
    mirror.catch_up()
    steps = [entry.state for entry in mirror.history("administration", "ledger")]
    assert [step["accepted"] for step in steps] == [[], [seats[0]], list(seats), []]
    assert (steps[0]["seats"], steps[0]["offered"]) == ([], list(seats))
    assert (steps[-1]["seats"], steps[-1]["threshold"], steps[-1]["offered"]) == (list(seats), 2, [])
    (shown,) = mirror.delegations(party=BSP)
    assert (shown.agent, shown.right, shown.ended) == (OTHER_BSP, Right.FILE_BASELINES, True)
    assert mirror.delegations(agent=OTHER_BSP) == [shown] and mirror.delegations(agent=BSP) == []
    lent = [entry.state for entry in mirror.history("delegation", f"{BSP:05d}.{OTHER_BSP:05d}.0")]
    assert [(step["valid_until"], step["ended"]) for step in lent] == [
        (2 * GENESIS_TIME, False),
        (2 * GENESIS_TIME, True),
    ]


def test_provenance_names_block_transaction_and_party(mirror: SqlMirror, ledger: FakeLedger) -> None:
    ref = ledger.mine(registered(word("other")), registered(word("pod")))
    mirror.catch_up()
    view = mirror.pod(word("pod"))
    assert view is not None
    recorded = ledger.recorded(ref.number, ref.number)[0].events[1]
    assert view.recorded.tx_hash == recorded.tx_hash
    assert (view.recorded.block_number, view.recorded.log_index) == recorded.position
    assert (view.recorded.actor, view.recorded.sender) == (BSP, address_of(BSP))
    assert view.recorded.block_time == at(ref.time)
    assert view.recorded.event == "PodRegistered"


def test_the_history_of_no_such_type_is_refused(mirror: SqlMirror) -> None:
    with pytest.raises(
        LookupError, match="no objects of type 'unicorn'; there are administration, aggregate, "
    ):
        mirror.history("unicorn", "1")


def test_as_of_includes_the_second_it_names(mirror: SqlMirror, ledger: FakeLedger) -> None:
    ref = ledger.mine(registered(word("pod")))
    mirror.catch_up()
    assert mirror.pod(word("pod"), as_of=at(ref.time)) is not None
    assert mirror.pod(word("pod"), as_of=at(ref.time) - timedelta(seconds=1)) is None
