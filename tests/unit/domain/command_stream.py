"""Random commands of a consortium over one delivery day.

Mostly sensible, often refused, the same for the same seed.

Used to hold invariants against the rulebook, and the rulebook against the contracts.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from registry.domain import commands as c
from registry.domain.aggregates import Scope
from registry.domain.devices import Binding
from registry.domain.lights import PerimeterDraft, PerimeterLights
from registry.domain.market import BaselineFiling, PodQuarters, Selection, hours_of, quarters_of
from registry.domain.participants import PartyKind, Right
from registry.domain.pods import (
    Handover,
    PodCategory,
    PodClaim,
    StaticLight,
    StaticLightDecision,
    VoltageLevel,
)
from registry.domain.prequalification import QualificationState
from registry.domain.quantities import GREEN, pack_cells, pack_raw, pack_selection
from registry.domain.rulebook import Rulebook
from registry.domain.rulebook.market import Place
from registry.domain.sessions import Market, ScheduleTemplate
from registry.domain.statements import Statement
from tests.unit.domain.consortium import (
    ADMIN,
    AUDITOR,
    BSP,
    DAY,
    DSO,
    FEEDER_1,
    FEEDER_2,
    FOREIGN_FEEDER,
    GLOBAL,
    GLOBAL_PRODUCT,
    KINDS,
    LOCAL,
    LOCAL_PRODUCT,
    NODE,
    NOTHING,
    OTHER_BSP,
    OTHER_DSO,
    OTHER_GLOBAL,
    PODS,
    SCHEDULE,
    TSO,
    TWIN,
    UNTESTED_PRODUCT,
    addresses,
    admission,
    draft,
    product,
    registration,
)

AGGREGATES = [LOCAL, GLOBAL, TWIN, OTHER_GLOBAL]
PERIMETERS = [FEEDER_1, FEEDER_1, FEEDER_1, FEEDER_2, FOREIGN_FEEDER]
PRODUCTS = [LOCAL_PRODUCT, GLOBAL_PRODUCT, UNTESTED_PRODUCT, LOCAL_PRODUCT + 1]
DAYS = [DAY.number, DAY.number, DAY.number, DAY.number + 1, DAY.number + 2]
GATES = sorted(
    {SCHEDULE.opens_at, *SCHEDULE.lfp_gates, *SCHEDULE.msd_gates, SCHEDULE.last_declaration, SCHEDULE.ends_at}
)

Step = tuple[c.Command, int]
T = TypeVar("T")


@cache
def device_key(number: int) -> tuple[bytes, bytes]:
    """A point of P-256 for each number from 1."""
    point = ec.derive_private_key(number, ec.SECP256R1()).public_key().public_numbers()
    return point.x.to_bytes(32), point.y.to_bytes(32)


class CommandStream:
    """Commands with their senders; `now` is when the next one is sent."""

    def __init__(
        self, seed: int, rulebook: Rulebook, now: int, signers: Mapping[int, str] | None = None
    ) -> None:
        self._signers = signers or addresses()
        self._random = random.Random(seed)
        self._rulebook = rulebook
        self.now = now
        self._paused = False
        self._market: list[Callable[[], Step]] = [
            self.select_local,
            self.select_global,
            self.publish_lights,
            self.declare,
            self.declare,
            self.release,
        ]
        self._others: list[Callable[[], Step]] = [
            self.schedule,
            self.perimeters,
            self.register,
            self.change,
            self.withdraw,
            self.claim,
            self.drop_claim,
            self.hand_over,
            self.static_lights,
            self.move_pods,
            self.join,
            self.leave,
            self.create,
            self.publish_product,
            self.apply,
            self.move,
            self.equivalences,
            self.baselines,
            self.bind,
            self.end,
            self.anchor,
            self.record,
            self.dispute,
            self.attest,
            self.suspend,
            self.pause,
            self.admit,
            self.offer_admin,
            self.accept_admin,
            self.delegate,
            self.end_delegation,
        ]

    def next(self) -> Step:
        """The next command and its sender; the clock has moved."""
        pick = self._random
        self.now += pick.randint(1, 90)
        upcoming = [gate for gate in GATES if gate > self.now]
        if upcoming and pick.random() < self._haste():
            self.now = max(self.now, upcoming[0] + pick.choice((-1, 0, 1)))
        if self._paused and pick.random() < 0.4:
            self._paused = False
            return c.Unpause(), self._seat()
        opened = self.now >= SCHEDULE.opens_at
        at_market = pick.random() < (0.8 if opened else 0.1)
        command, party = pick.choice(self._market if at_market else self._others)()
        return command, party if pick.random() < 0.97 else pick.choice(list(KINDS))

    def _haste(self) -> float:
        """How soon the clock jumps to the next gate: sooner where there is little left to do."""
        found = SCHEDULE.open_session(self.now)
        if found is None:
            return 0.2 if self.now < SCHEDULE.opens_at else 0.04
        states = [self._rulebook.market.selections[place] for place in self._rulebook.market.selections]
        done = sum(state is not None and (state.market, state.session) == found for state in states)
        return 0.02 + 0.06 * done

    # -------------------------------------------------------------------------------------------- market

    def select_local(self) -> Step:
        if self._open_market() is Market.MSD:
            return self.select_global()
        session = self._session()
        chosen = self._random.choices([LOCAL, TWIN, GLOBAL], [20, 3, 1], k=self._of(1, 1, 1, 2))
        rows = tuple(self._selection(one, session) for one in chosen)
        return c.SelectLocal(DSO, DAY.number, session, rows), DSO

    def select_global(self) -> Step:
        if self._open_market() is Market.LFP and self._random.random() < 0.9:
            return self.select_local()
        session = self._session()
        chosen = self._random.sample([GLOBAL, GLOBAL, OTHER_GLOBAL], self._random.randint(1, 2))
        return c.SelectGlobal(
            TSO, DAY.number, session, tuple(self._selection(one, session) for one in chosen)
        ), TSO

    def publish_lights(self) -> Step:
        pick = self._random
        rows = []
        for perimeter in sorted({FEEDER_1, self._of(FEEDER_1, FEEDER_1, *PERIMETERS)}):
            sides = [[pick.choice((GREEN, GREEN, GREEN, 25, 12, 0)) for _ in range(24)] for _ in range(2)]
            up, down = pack_cells(sides[0]), pack_cells(sides[1])
            if pick.random() < 0.2:
                up = pack_raw(sides[0] + pick.choice(([], [5])), flags=[pick.randrange(24)])
            rows.append(PerimeterLights(perimeter, up, down, self._word()))
        return c.PublishLights(DSO, DAY.number, self._session(), tuple(rows)), DSO

    def declare(self) -> Step:
        if not len(self._rulebook.market.selections) and self._open_market() is not None:
            return self.select_local()
        place = self._place()
        items = self._items(place, self._random.randint(0, 3))
        complete = self._random.random() < 0.5
        bsp = place.aggregate >> 24
        return c.DeclarePods(bsp, place.aggregate, place.perimeter, place.day, items, complete), bsp

    def release(self) -> Step:
        place = self._place()
        market = Market.LFP if place.aggregate in (LOCAL, TWIN) else Market.MSD
        quarters = self._rulebook.market.quarters
        held = [pod_id for pod_id in PODS if quarters[pod_id, place.day, market]]
        items = []
        for pod_id in self._random.sample(held or PODS[:1], min(len(held) or 1, 2)):
            own = quarters[pod_id, place.day, market]
            hours = [hour for hour in hours_of(own) if self._random.random() < 0.6]
            items.append(PodQuarters(pod_id, quarters_of(hours) & own))
        bsp = place.aggregate >> 24
        return c.ReleasePods(bsp, place.aggregate, place.perimeter, place.day, tuple(items)), bsp

    def baselines(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        filings = tuple(BaselineFiling(pod_id, self._word()) for pod_id in self._random.sample(PODS[:6], 2))
        sender = self._of(bsp, bsp, bsp, OTHER_BSP, NODE)
        return c.FileBaselines(bsp, self._of(*DAYS), filings), sender

    def _selection(self, aggregate: int, session: int) -> Selection:
        pick = self._random
        perimeter = FEEDER_1 if pick.random() < 0.96 else self._of(*PERIMETERS)
        recorded = self._rulebook.market.selections[Place(aggregate, perimeter, DAY.number)]
        hours = list(recorded.kw) if recorded else [0] * 24
        first = 0 if pick.random() < 0.03 else SCHEDULE.first_hour(min(max(session, 1), 6))
        sign = pick.choice((1, 1, 1, -1))
        for hour in pick.sample(range(first, 24), min(24 - first, pick.randint(1, 4))):
            hours[hour] = sign * pick.choice((0, 0, 3, 5, 8, 10, 10, 20))
        cells = pack_selection(hours) if pick.random() < 0.97 else pack_raw([1 << 17])
        own = LOCAL_PRODUCT if aggregate in (LOCAL, TWIN) else GLOBAL_PRODUCT
        chain = (own,) if pick.random() < 0.85 else tuple(pick.choices(PRODUCTS, k=pick.randint(0, 3)))
        tested = aggregate if pick.random() < 0.95 else self._of(*AGGREGATES)
        return Selection(aggregate, perimeter, tested, chain, cells, self._word())

    def _place(self) -> Place:
        selections = self._rulebook.market.selections
        known = list(selections)
        latest = [place for place in known if (state := selections[place]) and state.open_hours][-2:]
        if latest and self._random.random() < 0.8:
            return self._random.choice(latest)
        if known and self._random.random() < 0.9:
            return self._random.choice(known)
        return Place(self._of(*AGGREGATES), FEEDER_1, DAY.number)

    def _items(self, place: Place, count: int) -> tuple[PodQuarters, ...]:
        pick = self._random
        state = self._rulebook.market.selections[place]
        first = SCHEDULE.first_hour(state.session) if state and pick.random() < 0.9 else 0
        selected = [hour for hour in range(first, 24) if state and state.kw[hour]] or [23]
        members = [
            pod_id for pod_id, _ in self._rulebook.aggregates.members(place.aggregate, 0, place.day)
        ] or PODS[:1]
        items = []
        for _ in range(count):
            hours = pick.sample(selected, min(len(selected), pick.randint(1, 4)))
            mask = quarters_of(hours) & (pick.getrandbits(100) if pick.random() < 0.3 else (1 << 100) - 1)
            stray = 1 << pick.randrange(101) if pick.random() < 0.05 else 0
            pod_id = pick.choice(members) if pick.random() < 0.95 else pick.choice(PODS)
            items.append(PodQuarters(pod_id, mask | stray))
        return tuple(items)

    def _session(self) -> int:
        found = SCHEDULE.open_session(self.now)
        if found and self._random.random() < 0.95:
            return found[1]
        return self._random.randint(0, 7)

    def _open_market(self) -> Market | None:
        found = SCHEDULE.open_session(self.now)
        return found[0] if found else None

    # --------------------------------------------------------------------------------- registration

    def schedule(self) -> Step:
        schedule = ScheduleTemplate().schedule(DAY.plus(self._random.randint(1, 4)))
        if self._random.random() < 0.3:
            schedule = replace(schedule, opens_at=schedule.opens_at + self._random.randint(-200_000, 20_000))
        return c.ScheduleDays(TSO, (schedule,)), TSO

    def perimeters(self) -> Step:
        pick = self._random
        known = [*PERIMETERS, FEEDER_2 + 1, FEEDER_2 + 2]
        predecessors = tuple(pick.sample(known[2:], pick.choice((0, 0, 1, 2))))
        parts = tuple(
            PerimeterDraft(FEEDER_2 + pick.randint(1, 6), predecessors, self._word())
            for _ in range(pick.randint(1, 2))
        )
        return c.DeclarePerimeters(DSO, parts), DSO

    def register(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        dso = self._of(DSO, DSO, DSO, OTHER_DSO, TSO)
        rows = (registration(self._of(*PODS), dso, self._of(0, 10, 20, 131_072), self._of(0, 5)),)
        return c.RegisterPods(bsp, rows), bsp

    def change(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        row = registration(self._of(*PODS), DSO, self._of(10, 12), 5)
        changed = replace(row, category=self._of(*PodCategory), voltage=self._of(*VoltageLevel))
        return c.ChangePods(bsp, (changed,)), bsp

    def withdraw(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        return c.WithdrawPods(bsp, (self._of(*PODS),)), bsp

    def claim(self) -> Step:
        bsp = self._of(OTHER_BSP, OTHER_BSP, BSP)
        return c.ClaimPods(bsp, (PodClaim(self._of(*PODS), self._word()),)), bsp

    def drop_claim(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        return c.DropClaims(bsp, (self._of(*PODS),)), bsp

    def hand_over(self) -> Step:
        claims = self._rulebook.pods.claims()
        pod_id, bsp = self._of(*(claims or [(PODS[0], BSP)]), (self._of(*PODS), self._of(BSP, OTHER_BSP)))
        dso = self._of(DSO, DSO, DSO, OTHER_DSO)
        return c.HandOverPods(dso, (Handover(pod_id, bsp),)), dso

    def static_lights(self) -> Step:
        rows = tuple(
            StaticLightDecision(
                pod_id,
                self._of(*StaticLight, StaticLight.CONFIRMED, StaticLight.CONFIRMED),
                self._of(10, 10, 12, 8, 0),
                self._of(5, 5, 0),
                self._of(*PERIMETERS, FEEDER_2 + 1),
                self._of(NOTHING, self._word()),
            )
            for pod_id in self._random.sample(PODS, self._random.randint(1, 2))
        )
        return c.GiveStaticLights(DSO, rows), DSO

    def move_pods(self) -> Step:
        dso = self._of(DSO, DSO, DSO, OTHER_DSO)
        perimeter = self._of(FEEDER_2, *(FEEDER_2 + serial for serial in range(1, 7)), FOREIGN_FEEDER)
        inside = [
            pod for pod in PODS if (held := self._rulebook.pods.latest(pod)) and held.perimeter != FEEDER_1
        ]
        return c.MovePods(dso, perimeter, (self._of(*PODS, *inside),)), dso

    def create(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        row = draft(self._of(BSP, bsp) << 24 | self._random.randint(0, 6), self._of(*Scope))
        return c.CreateAggregates(bsp, (row,)), bsp

    def join(self) -> Step:
        aggregate = self._of(*AGGREGATES)
        pods = tuple(self._random.sample(PODS, self._random.randint(1, 2)))
        return c.JoinAggregate(aggregate >> 24, aggregate, pods), aggregate >> 24

    def leave(self) -> Step:
        aggregate = self._of(*AGGREGATES)
        return c.LeaveAggregate(aggregate >> 24, aggregate, (self._of(*PODS),)), aggregate >> 24

    # ----------------------------------------------------------------------------- prequalification

    def publish_product(self) -> Step:
        operator = self._of(TSO, DSO)
        changes = {
            "min_up_kw": self._of(0, 5, 10),
            "months": self._of(0, 0xFFF),
            "supersedes": self._of(0, LOCAL_PRODUCT),
        }
        row = product(operator << 16 | self._random.randint(0, 5), **changes)
        return c.PublishProducts(operator, (row,)), operator

    def apply(self) -> Step:
        aggregate = self._of(*AGGREGATES)
        hashes = (self._word(),) * self._of(1, 1, 1, 2)
        return c.ApplyForQualification(
            aggregate >> 24, (aggregate,), (self._of(*PRODUCTS),), hashes
        ), aggregate >> 24

    def move(self) -> Step:
        number = self._of(*PRODUCTS)
        wanted, performance = self._of(*QualificationState), self._of(950, 1_000, 880)
        command = c.MoveQualification(
            number >> 16, (self._of(*AGGREGATES),), (number,), (wanted,), (performance,), (self._word(),)
        )
        return command, number >> 16

    def equivalences(self) -> Step:
        command = self._of(
            c.ProposeEquivalences, c.AcceptEquivalences, c.AcceptEquivalences, c.RevokeEquivalences
        )
        operator = self._of(TSO, DSO)
        return command(operator, (self._of(*PRODUCTS),), (self._of(*PRODUCTS),)), operator

    # -------------------------------------------------------------------------- measurement, settlement

    def bind(self) -> Step:
        x, y = device_key(self._random.randint(1, 12))
        start = self.now + self._random.randint(-500, 500)
        binding = Binding(
            self._of(*PODS), x, self._of(y, y, y, x), start, start + self._random.randint(-1, 9_000)
        )
        return c.BindDevices(DSO, (binding,)), DSO

    def end(self) -> Step:
        ends = (self.now + self._random.randint(-900, 900),) * self._of(1, 1, 2)
        return c.EndDevices(DSO, (self._of(*PODS),), ends, self._word()), DSO

    def anchor(self) -> Step:
        log_id, root = bytes([self._random.randint(1, 2)]) * 32, bytes([self._random.randint(1, 2)]) * 32
        size, witnesses = self._random.randint(0, 5), self._of(0, 2, 255)
        return c.AnchorCheckpoint(NODE, log_id, size, root, witnesses), NODE

    def record(self) -> Step:
        number = self._of(*PRODUCTS)
        statement = Statement(
            self._statement(),
            self._of(*AGGREGATES),
            number,
            self._of(*DAYS),
            self._word(),
            self._of(NOTHING, NOTHING, self._statement()),
        )
        return c.RecordStatements(number >> 16, (statement,)), number >> 16

    def dispute(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        return c.DisputeStatement(bsp, self._statement(), self._word()), bsp

    def attest(self) -> Step:
        return c.AttestStatement(
            AUDITOR, self._statement(), self._random.random() < 0.5, self._word()
        ), AUDITOR

    # ------------------------------------------------------------------------------------ participants

    def suspend(self) -> Step:
        party = self._of(NODE, AUDITOR, 99)
        command = (
            c.ReinstateParty(party) if self._random.random() < 0.7 else c.SuspendParty(party, self._word())
        )
        return command, self._seat()

    def pause(self) -> Step:
        self._paused = self._random.random() < 0.4
        return (c.Pause() if self._paused else c.Unpause()), self._seat()

    def offer_admin(self) -> Step:
        """To keys that parties have, so that the stream can sign for them."""
        chosen = self._random.sample([ADMIN, AUDITOR, NODE], self._random.randint(0, 3))
        seats = tuple(self._signers[party] for party in chosen)
        return c.OfferAdmin(seats, self._random.randint(0, 2)), self._seat()

    def accept_admin(self) -> Step:
        return c.AcceptAdmin(), self._of(ADMIN, AUDITOR, NODE, TSO)

    def delegate(self) -> Step:
        party = self._of(BSP, OTHER_BSP)
        until = self.now + self._of(-1, 0, 3_600, 86_400, 86_400, 400 * 86_400)
        agent = self._of(OTHER_BSP, OTHER_BSP, BSP, NODE, 99)
        return c.DelegateRight(party, agent, Right.FILE_BASELINES, until), party

    def end_delegation(self) -> Step:
        party = self._of(BSP, OTHER_BSP)
        return c.EndDelegation(party, self._of(OTHER_BSP, NODE), Right.FILE_BASELINES), party

    def admit(self) -> Step:
        party = self._of(TSO, NODE)
        known = self._rulebook.participants.parties[party]
        free = admission(98, {98: f"0x{98:040x}"}, PartyKind.BSP)
        row = replace(
            free,
            party=self._of(98, 99, party, 0),
            eic=self._of(free.eic, free.eic, known.eic, free.eic[:-1] + b"-"),
            signer=self._of(free.signer, known.signer, f"0x{0:040x}"),
        )
        return c.AdmitParties((row,)), self._seat()

    def _seat(self) -> int:
        """Who holds a seat of the consortium admin now, as far as this stream knows its key."""
        seats = self._rulebook.participants.admin.seats
        return self._of(*(party for party in (ADMIN, AUDITOR, NODE) if self._signers[party] in seats))

    def _of(self, *choices: T) -> T:
        return self._random.choice(choices)

    def _word(self) -> bytes:
        """Any 32 bytes that aren't all zero."""
        return self._random.randbytes(31) + b"\1"

    def _statement(self) -> bytes:
        """One of a few names of statements."""
        return bytes([self._random.randint(0, 6)]) * 32
