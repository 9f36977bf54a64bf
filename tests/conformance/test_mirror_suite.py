"""What every mirror and vault does, whatever database is behind it: run on SQLite and on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from registry.domain import events as facts
from registry.domain.enums import (
    Market,
    PartyKind,
    PodCategory,
    QualificationState,
    Right,
    Scope,
    StaticLight,
    VoltageLevel,
)
from registry.domain.quantities import pack_selection
from registry.mirror import MirrorDevices, SqlMirror, SqlVault
from registry.ports import PodSecret, RecordedBlock
from tests.unit.mirror.fake_ledger import (
    ADMIN,
    AGGREGATES,
    AUDITOR,
    BLOCK_S,
    BSP,
    DSO,
    FIRST_DAY,
    GENESIS_TIME,
    NODE,
    OTHER_BSP,
    PERIMETERS,
    PRODUCTS,
    TSO,
    FakeLedger,
    Storyteller,
    address_of,
    in_blocks,
    opening,
    scheduled,
    terms,
    word,
)

LOCAL, GLOBAL, OTHERS = AGGREGATES
UNFROZEN = FIRST_DAY + 3
"""The first day whose LFP 1 has not opened, after the opening of every story."""
Fresh = Callable[[], str]


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fresh]:
    """Gives the URL of an empty database each time it is called."""
    if request.param == "sqlite":
        yield lambda: f"sqlite:///{tmp_path / uuid.uuid4().hex}.sqlite"
        return
    server: str = request.getfixturevalue("postgres_url")
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    made: list[str] = []

    def url() -> str:
        made.append(f"db_{uuid.uuid4().hex}")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {made[-1]}"))
        return server.rpartition("/")[0] + "/" + made[-1]

    yield url
    with admin.connect() as connection:
        for name in made:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def ledger() -> FakeLedger:
    ledger = FakeLedger()
    ledger.mine(*opening())
    return ledger


@pytest.fixture
def mirror(fresh: Fresh, ledger: FakeLedger) -> Iterator[SqlMirror]:
    mirror = SqlMirror(fresh(), ledger)
    mirror.catch_up()
    yield mirror
    mirror.close()


def registered(pod: bytes, bsp: int = BSP, kw: int = 100) -> tuple[str, facts.Event]:
    event = facts.PodRegistered(
        pod, bsp, DSO, PodCategory.MIXED, VoltageLevel.MEDIUM, kw, kw, 60, word("payload")
    )
    return address_of(bsp), event


def lit(pod: bytes, day: int, kw: int, area: int = PERIMETERS[0]) -> tuple[str, facts.Event]:
    return address_of(DSO), facts.StaticLightGiven(
        pod, DSO, day, StaticLight.MODULATED, kw, kw, area, word("why")
    )


def at(ref_time: int) -> datetime:
    return datetime.fromtimestamp(ref_time, UTC)


# ------------------------------------------------------------------------------------------------ following


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


# --------------------------------------------------------------------------------------------------- reading


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


@pytest.mark.rule("POD-5")
def test_a_pod_by_delivery_day_and_by_time_of_record(mirror: SqlMirror, ledger: FakeLedger) -> None:
    pod = word("pod")
    first = ledger.mine(registered(pod), lit(pod, UNFROZEN, 50))
    second = ledger.mine(
        (address_of(TSO), scheduled(UNFROZEN)),
        lit(pod, UNFROZEN + 1, 80, PERIMETERS[1]),
    )
    ledger.mine((address_of(TSO), scheduled(UNFROZEN + 1)))
    ledger.mine((address_of(BSP), facts.PodWithdrawn(pod, BSP, UNFROZEN + 2)), registered(pod, OTHER_BSP))
    mirror.catch_up()
    days = {day: mirror.pod(pod, day=day) for day in range(UNFROZEN - 1, UNFROZEN + 4)}
    told = {day: view and (view.bsp, view.granted_up_kw, view.perimeter) for day, view in days.items()}
    assert told == {
        UNFROZEN - 1: None,
        UNFROZEN: (BSP, 50, PERIMETERS[0]),
        UNFROZEN + 1: (BSP, 80, PERIMETERS[1]),
        UNFROZEN + 2: (OTHER_BSP, 0, None),
        UNFROZEN + 3: (OTHER_BSP, 0, None),
    }
    versions = mirror.pod_versions(pod)
    assert [(view.from_day, view.until_day) for view in versions] == [
        (UNFROZEN, UNFROZEN + 1),
        (UNFROZEN + 1, UNFROZEN + 2),
        (UNFROZEN + 2, None),
    ]
    assert [view.until_day for view in days.values() if view] == [UNFROZEN + 1, UNFROZEN + 2, None, None]
    known_then = mirror.pod(pod, day=UNFROZEN + 3, as_of=at(first.time))
    assert known_then is not None and (known_then.granted_up_kw, known_then.until_day) == (50, None)
    known_later = mirror.pod(pod, as_of=at(second.time))
    assert known_later is not None and known_later.granted_up_kw == 80
    assert [view.bsp for view in mirror.pods(dso=DSO, day=UNFROZEN)] == [BSP]
    assert mirror.pods(bsp=BSP, day=UNFROZEN + 2) == []
    assert mirror.pods(perimeter=PERIMETERS[1], day=UNFROZEN + 1)[0].light is StaticLight.MODULATED
    assert mirror.pods(light=StaticLight.REQUESTED)[0].bsp == OTHER_BSP


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


@pytest.mark.rule("DTL-1")
def test_a_pod_moves_along_with_its_perimeter(mirror: SqlMirror, ledger: FakeLedger) -> None:
    pod = word("pod")
    ledger.mine(registered(pod), lit(pod, UNFROZEN, 50))
    ledger.mine((address_of(DSO), facts.PodMoved(pod, PERIMETERS[1], PERIMETERS[0], DSO, UNFROZEN + 1)))
    mirror.catch_up()
    told = {day: mirror.pod(pod, day=day) for day in (UNFROZEN, UNFROZEN + 1)}
    assert [view and (view.perimeter, view.granted_up_kw) for view in told.values()] == [
        (PERIMETERS[0], 50),
        (PERIMETERS[1], 50),
    ]


@pytest.mark.rule("POD-5")
def test_claims_and_the_handover_of_a_pod(mirror: SqlMirror, ledger: FakeLedger) -> None:
    pods = sorted(word(str(number)) for number in range(3))
    ledger.mine(*(registered(pod) for pod in pods), *(lit(pod, UNFROZEN, 50) for pod in pods))
    claimed = ledger.mine(
        *((address_of(OTHER_BSP), facts.PodClaimed(pod, OTHER_BSP, BSP, word("mandate"))) for pod in pods)
    )
    mirror.catch_up()
    assert [view.pod_id for view in mirror.claims(dso=DSO, pending=True)] == pods
    ledger.mine(
        (address_of(DSO), facts.PodHandedOver(pods[0], OTHER_BSP, BSP, DSO, UNFROZEN + 1)),
        (address_of(OTHER_BSP), facts.PodClaimDropped(pods[1], OTHER_BSP)),
        (address_of(BSP), facts.PodWithdrawn(pods[2], BSP, UNFROZEN + 1)),
    )
    mirror.catch_up()
    assert [view.granted for view in mirror.claims(party=BSP)] == [True, False, None]
    assert mirror.claims(pending=True) == [], "the third lapsed with the BSP that it was against"
    assert len(mirror.claims(party=OTHER_BSP, pending=True, as_of=at(claimed.time))) == 3
    assert mirror.claims(party=TSO) == []
    assert mirror.claims(after=mirror.claims(limit=2)[-1].key)[0].pod_id == pods[2]
    told = {day: mirror.pod(pods[0], day=day) for day in (UNFROZEN, UNFROZEN + 1, UNFROZEN + 9)}
    assert [(view.bsp, view.granted_up_kw) for view in told.values() if view] == [
        (BSP, 50),
        (OTHER_BSP, 50),
        (OTHER_BSP, 50),
    ]


@pytest.mark.rule("AGG-1")
def test_members_and_pools_of_aggregates_by_day(mirror: SqlMirror, ledger: FakeLedger) -> None:
    pods = sorted(word(str(number)) for number in range(3))
    ledger.mine(*(registered(pod) for pod in pods), *(lit(pod, UNFROZEN, 10) for pod in pods))
    joined = [facts.PodJoined(LOCAL, pod, UNFROZEN) for pod in pods]
    ledger.mine(
        *((address_of(BSP), event) for event in joined),
        (address_of(BSP), facts.PodJoined(GLOBAL, pods[0], UNFROZEN)),
        (address_of(TSO), scheduled(UNFROZEN)),
    )
    before = ledger.mine((address_of(BSP), facts.PodLeft(LOCAL, pods[0], UNFROZEN + 1)))
    ledger.mine((address_of(BSP), facts.PodLeft(LOCAL, pods[1], UNFROZEN + 1)))
    mirror.catch_up()
    assert [view.pod_id for view in mirror.pods(aggregate=LOCAL, day=UNFROZEN)] == pods
    assert [view.pod_id for view in mirror.pods(aggregate=LOCAL, day=UNFROZEN + 1)] == [pods[2]]
    pools = [mirror.pool(LOCAL, day=day) for day in (UNFROZEN - 1, UNFROZEN, UNFROZEN + 1)]
    assert [(pool.pods, pool.granted_up_kw, pool.granted_down_kw) for pool in pools] == [
        (0, 0, 0),
        (3, 30, 30),
        (1, 10, 10),
    ]
    assert mirror.pool(LOCAL, day=UNFROZEN, perimeter=PERIMETERS[1]).pods == 0
    assert mirror.pool(LOCAL, day=UNFROZEN + 1, as_of=at(before.time)).pods == 2
    assert mirror.shared_pods(LOCAL, GLOBAL, day=UNFROZEN) == 1
    assert mirror.shared_pods(LOCAL, GLOBAL, day=UNFROZEN + 1) == 0
    first = mirror.pod(pods[0])
    assert first is not None and (first.local_aggregate, first.global_aggregate) == (None, GLOBAL)
    ends = {view.pod_id: view.until_day for view in mirror.memberships(aggregate=LOCAL)}
    assert ends == {pods[0]: UNFROZEN + 1, pods[1]: UNFROZEN + 1, pods[2]: None}
    assert [view.aggregate for view in mirror.memberships(pod_id=pods[0], day=UNFROZEN)] == sorted(
        (LOCAL, GLOBAL)
    )
    assert [view.aggregate for view in mirror.aggregates(bsp=BSP, scope=Scope.LOCAL)] == [LOCAL]


@pytest.mark.rule("PRD-1", "PRQ-1", "TOE-1")
def test_products_qualifications_equivalences(mirror: SqlMirror, ledger: FakeLedger) -> None:
    of_tso, of_dso = PRODUCTS
    successor = of_dso + 1
    until = GENESIS_TIME + 10 * BLOCK_S
    moved = facts.QualificationMoved(LOCAL, of_dso, QualificationState.TESTING, DSO, 0, 0, word("proof"))
    testing = ledger.mine((address_of(DSO), moved))
    passed = facts.QualificationMoved(
        LOCAL, of_dso, QualificationState.QUALIFIED, DSO, until, 970, word("test")
    )
    ledger.mine(
        (address_of(DSO), passed),
        (address_of(DSO), facts.ProductPublished(successor, DSO, terms(successor, of_dso))),
        (address_of(DSO), facts.EquivalenceProposed(of_dso, of_tso, DSO)),
        (address_of(DSO), facts.EquivalenceAccepted(of_dso, of_tso, DSO, False)),
        (address_of(TSO), facts.EquivalenceAccepted(of_dso, of_tso, TSO, True)),
    )
    mirror.catch_up()
    product = mirror.product(of_dso)
    assert product is not None and (product.terms, product.superseded_by) == (terms(of_dso), successor)
    assert [view.product for view in mirror.products(operator=DSO)] == [of_dso, successor]
    qualification = mirror.qualification(LOCAL, of_dso)
    assert qualification is not None and qualification.performance_permille == 970
    assert qualification.state_at(at(until - 1)) is QualificationState.QUALIFIED
    assert qualification.state_at(at(until)) is QualificationState.EXPIRED
    then = mirror.qualification(LOCAL, of_dso, as_of=at(testing.time))
    assert then is not None and (then.state, then.valid_until) == (QualificationState.TESTING, None)
    assert mirror.qualifications(bsp=BSP, operator=DSO, state=QualificationState.QUALIFIED) == [qualification]
    assert mirror.qualifications(bsp=OTHER_BSP) == []
    (equivalence,) = mirror.equivalences(holds=True, product=of_tso)
    assert (equivalence.proposed_by, equivalence.accepted_by) == (DSO, (TSO, DSO))
    ledger.mine((address_of(TSO), facts.EquivalenceRevoked(of_dso, of_tso, TSO)))
    mirror.catch_up()
    assert mirror.equivalences(holds=True) == []
    assert mirror.equivalences()[0].revoked_by == TSO


@pytest.mark.rule("SES-4", "DTL-2")
def test_the_market_of_a_day(mirror: SqlMirror, ledger: FakeLedger) -> None:
    area, pod = PERIMETERS[0], word("pod")
    kw = [(-1) ** hour * hour for hour in range(24)]

    def selected(session: int, signed: list[int]) -> tuple[str, facts.Event]:
        return address_of(DSO), facts.SelectionRecorded(
            LOCAL, area, FIRST_DAY, Market.LFP, session, DSO, PRODUCTS[1], LOCAL, (PRODUCTS[1],),
            pack_selection(signed), word("price"),
        )  # fmt: skip

    first = ledger.mine(selected(1, kw))
    ledger.mine(
        selected(2, [0] * 24),
        (address_of(BSP), facts.PodDeclared(pod, LOCAL, FIRST_DAY, area, Market.LFP, 0b1111)),
        (address_of(BSP), facts.PodReleased(pod, LOCAL, FIRST_DAY, area, Market.LFP, 0b0011)),
        (address_of(BSP), facts.PodDeclared(pod, LOCAL, FIRST_DAY, area, Market.LFP, 1 << 95)),
        (
            address_of(BSP),
            facts.DeclarationCompleted(
                LOCAL, area, FIRST_DAY, Market.LFP, 1, pack_selection([-5] + [0] * 23)
            ),
        ),
        (address_of(BSP), facts.BaselineFiled(pod, BSP, FIRST_DAY, word("first"))),
        (address_of(BSP), facts.BaselineFiled(pod, BSP, FIRST_DAY, word("last"))),
    )
    mirror.catch_up()
    outcomes = mirror.selections(FIRST_DAY, aggregate=LOCAL, perimeter=area)
    assert [(view.session, view.kw) for view in outcomes] == [(1, tuple(kw)), (2, (0,) * 24)]
    assert mirror.selection_in_force(LOCAL, area, FIRST_DAY) == outcomes[1]
    assert mirror.selection_in_force(LOCAL, area, FIRST_DAY, as_of=at(first.time)) == outcomes[0]
    assert mirror.selections(FIRST_DAY, market=Market.MSD) == []
    assert mirror.selections(FIRST_DAY, bsp=OTHER_BSP) == []
    (declaration,) = mirror.declarations(FIRST_DAY, pod_id=pod)
    assert declaration.quarters == 0b1100 | 1 << 95
    (completion,) = mirror.completions(FIRST_DAY, bsp=BSP)
    assert completion.shortfall_kw == (-5,) + (0,) * 23
    (baseline,) = mirror.baselines(FIRST_DAY, pod_id=pod)
    assert baseline.commitment == word("last")
    assert [entry.state["commitment"] for entry in mirror.history("baseline", baseline.key)] == [
        "0x" + word("first").hex(),
        "0x" + word("last").hex(),
    ]
    statistics = mirror.statistics()
    assert (statistics.selections, statistics.shortfalls) == ({Market.LFP: 2}, 1)
    day = mirror.day(FIRST_DAY)
    assert day is not None and day.hours == 24 and len(day.lfp_gates) == 6
    assert [view.day for view in mirror.days(from_day=FIRST_DAY + 1)] == [FIRST_DAY + 1, FIRST_DAY + 2]


@pytest.mark.rule("DTL-1")
def test_the_partition_of_a_day(mirror: SqlMirror, ledger: FakeLedger) -> None:
    old, new = PERIMETERS[0], PERIMETERS[1] + 1
    ledger.mine(
        (address_of(DSO), facts.PerimeterDeclared(new, DSO, UNFROZEN, (old,), word("split"))),
        (address_of(DSO), facts.PerimeterEnded(old, DSO, UNFROZEN)),
    )
    mirror.catch_up()
    before = [view.perimeter for view in mirror.perimeters(dso=DSO, day=UNFROZEN - 1)]
    after = [view.perimeter for view in mirror.perimeters(dso=DSO, day=UNFROZEN)]
    assert (before, after) == (list(PERIMETERS), [PERIMETERS[1], new])
    view = mirror.perimeter(new)
    assert view is not None and view.predecessors == (old,)


@pytest.mark.rule("DEV-1", "LOG-2")
def test_devices_and_checkpoints(mirror: SqlMirror, ledger: FakeLedger) -> None:
    pod, start, end = word("pod"), GENESIS_TIME, GENESIS_TIME + 1000
    old, new = word("old key"), word("new key")
    ledger.mine(
        (address_of(DSO), facts.DeviceBound(pod, old, DSO, word("x"), word("y"), start, end)),
        (address_of(DSO), facts.DeviceEnded(pod, old, DSO, start + 500, word("replaced"))),
        (address_of(DSO), facts.DeviceBound(pod, new, DSO, word("x2"), word("y2"), start + 500, end)),
        *(
            (address_of(NODE), facts.CheckpointAnchored(word("log"), NODE, size, word(str(size)), witnesses))
            for size, witnesses in ((5, 0), (50, 3), (500, 1), (500, 2))
        ),
    )
    mirror.catch_up()
    directory = MirrorDevices(mirror)
    active = {
        at: directory.active_device(pod, at) for at in (start - 1, start, start + 499, start + 500, end)
    }
    assert {at: key and key.key_id for at, key in active.items()} == {
        start - 1: None,
        start: old,
        start + 499: old,
        start + 500: new,
        end: None,
    }
    found = directory.device(old)
    assert found is not None and found.public_key == b"\x04" + word("x") + word("y")
    assert directory.device(word("no key")) is None
    view = mirror.device_of_key(old)
    assert view is not None and view.end_reason == word("replaced")
    covering = {size: mirror.checkpoint_covering(word("log"), size) for size in (1, 5, 6, 500, 501)}
    assert {size: view and view.size for size, view in covering.items()} == {
        1: 5,
        5: 5,
        6: 50,
        500: 500,
        501: None,
    }
    assert mirror.checkpoint_covering(word("other log"), 1) is None
    # the same checkpoint again, once another witness had cosigned: one row, its newest number
    views = mirror.checkpoints(log_id=word("log"))
    assert [(view.size, view.witnesses) for view in views] == [(5, 0), (50, 3), (500, 2)]


@pytest.mark.rule("STT-4")
def test_statements_their_disputes_and_attestations(mirror: SqlMirror, ledger: FakeLedger) -> None:
    first, second = word("first"), word("second")

    def recorded(statement: bytes, supersedes: bytes) -> tuple[str, facts.Event]:
        return address_of(DSO), facts.StatementRecorded(
            statement, DSO, LOCAL, PRODUCTS[1], FIRST_DAY, word("sum"), supersedes, GENESIS_TIME + 9999
        )

    disputed = ledger.mine(
        recorded(first, bytes(32)), (address_of(BSP), facts.StatementDisputed(first, BSP, word("why")))
    )
    ledger.mine(
        recorded(second, first),
        (address_of(AUDITOR), facts.StatementAttested(second, AUDITOR, False, word("wrong"))),
        (address_of(AUDITOR), facts.StatementAttested(second, AUDITOR, True, word("bundle"))),
    )
    mirror.catch_up()
    old, new = mirror.statement(first), mirror.statement(second)
    assert old is not None and new is not None
    assert old.dispute is not None and old.dispute.bsp == BSP
    assert old.dispute.recorded.block_time == at(disputed.time)
    assert (old.superseded_by, new.supersedes, new.superseded_by) == (second, first, None)
    assert [said.confirmed for said in new.attestations] == [False, True]
    assert mirror.statements(aggregate=LOCAL, day=FIRST_DAY, in_force=True) == [new]
    assert mirror.statements(bsp=OTHER_BSP) == []
    before = mirror.statements(operator=DSO, in_force=True, as_of=at(disputed.time))
    assert [view.statement_id for view in before] == [first] and before[0].superseded_by is None


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


# ----------------------------------------------------------------------------------------------------- vault


@pytest.fixture
def vault(fresh: Fresh) -> Iterator[SqlVault]:
    vault = SqlVault(fresh())
    yield vault
    vault.close()


@pytest.mark.rule("PRIV-1")
def test_the_vault_keeps_what_the_ledger_must_not_know(vault: SqlVault) -> None:
    vault.put_pod(word("a"), "IT001E12345678", word("salt"), {"lat": 41.9, "technologies": ["pv"]}, BSP)
    assert vault.pod(word("a")) == PodSecret(
        word("a"), "IT001E12345678", word("salt"), {"lat": 41.9, "technologies": ["pv"]}, BSP
    )
    assert vault.pod_id_of("IT001E12345678") == word("a")
    vault.put_pod(word("b"), "IT001E12345678", word("salt 2"), {}, OTHER_BSP)
    assert vault.pod_id_of("IT001E12345678") == word("b")
    assert vault.pod_id_of("IT001E00000000") is None and vault.pod(word("c")) is None


@pytest.mark.rule("PRIV-3")
def test_openings_are_kept_with_their_owners(vault: SqlVault) -> None:
    vault.put_opening(word("c"), "price", word("salt"), {"price_milli_eur_per_mwh": 1}, (TSO, BSP))
    vault.put_opening(word("c"), "price", word("salt"), {"price_milli_eur_per_mwh": 2}, (TSO,))
    opening = vault.opening(word("c"))
    assert opening is not None and (opening.kind, opening.owners) == ("price", (TSO,))
    assert opening.payload == {"price_milli_eur_per_mwh": 2}
    assert vault.opening(word("d")) is None


@pytest.mark.rule("PRIV-2")
def test_an_erased_pod_leaves_nothing_that_links_back(vault: SqlVault) -> None:
    for name in ("a", "b"):
        vault.put_pod(word(name), f"IT001E0000000{name.upper()}", word(f"salt {name}"), {"of": name}, BSP)
        vault.put_opening(
            word(f"c{name}"), "registration", word("s"), {"of": name}, (BSP,), pod_id=word(name)
        )
    assert vault.erase_pod(word("a")) is True
    assert vault.pod(word("a")) is None and vault.opening(word("ca")) is None
    assert vault.pod_id_of("IT001E0000000A") is None
    assert vault.pod(word("b")) is not None and vault.opening(word("cb")) is not None
    assert vault.erase_pod(word("a")) is False


def test_many_pods_are_kept_together_or_not_at_all(vault: SqlVault) -> None:
    pods = [PodSecret(word(str(n)), f"IT001E{n:08d}", word("salt"), {}, BSP) for n in range(1200)]
    vault.put_pods(pods)
    assert vault.pod_id_of("IT001E00001199") == word("1199")
    bad = PodSecret(word("bad"), "IT001E99999999", word("salt"), {"x": object()}, BSP)
    with pytest.raises(Exception, match="JSON serializable"):
        vault.put_pods([PodSecret(word("good"), "IT001E88888888", word("salt"), {}, BSP), bad])
    assert vault.pod(word("good")) is None


def test_mirror_and_vault_can_share_a_database_and_only_one_is_dropped(
    fresh: Fresh, ledger: FakeLedger
) -> None:
    url = fresh()
    mirror, vault = SqlMirror(url, ledger), SqlVault(url)
    mirror.catch_up()
    vault.put_pod(word("a"), "IT001E12345678", word("salt"), {}, BSP)
    mirror.drop()
    assert vault.pod(word("a")) is not None
    mirror.close()
    vault.close()
