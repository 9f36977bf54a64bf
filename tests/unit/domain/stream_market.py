"""Random outcomes, lights, declarations, releases and baselines."""

from __future__ import annotations

from registry.domain import commands as c
from registry.domain.lights import PerimeterLights
from registry.domain.market import BaselineFiling, PodQuarters, Selection, hours_of, quarters_of
from registry.domain.quantities import GREEN, pack_cells, pack_raw, pack_selection
from registry.domain.recorded_offers import AgreementDraft, Offer
from registry.domain.rulebook.market import Place
from registry.domain.sessions import Market
from tests.unit.domain.consortium import (
    BSP,
    DAY,
    DSO,
    FEEDER_1,
    GLOBAL,
    GLOBAL_PRODUCT,
    LOCAL,
    LOCAL_PRODUCT,
    NODE,
    OTHER_BSP,
    OTHER_DSO,
    OTHER_GLOBAL,
    PODS,
    SCHEDULE,
    TSO,
    TWIN,
)
from tests.unit.domain.stream_steps import AGGREGATES, DAYS, PERIMETERS, PRODUCTS, Step, Steps


class MarketSteps(Steps):
    """Commands of the sessions."""

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

    def propose_agreement(self) -> Step:
        aggregate = self._of(LOCAL, LOCAL, GLOBAL, OTHER_GLOBAL, NODE << 24 | 1)
        draft = AgreementDraft(self._statement(), self._of(DSO, DSO, DSO, OTHER_DSO, TSO), aggregate)
        proposer = self._of(draft.dso, aggregate >> 24, BSP)
        return c.ProposeAgreements(proposer, (draft,)), proposer

    def accept_agreement(self) -> Step:
        acceptor = self._of(DSO, BSP, BSP, OTHER_BSP)
        return c.AcceptAgreements(acceptor, (self._statement(),)), acceptor

    def offer(self) -> Step:
        aggregate = self._of(LOCAL, LOCAL, GLOBAL, OTHER_GLOBAL)
        bsp = self._of(aggregate >> 24, aggregate >> 24, aggregate >> 24, OTHER_BSP)
        rows = tuple(Offer(self._word(), aggregate, self._of(*PERIMETERS)) for _ in range(self._of(1, 2)))
        market, session = self._of(*Market), self._random.randint(0, 7)
        return c.RecordOffers(bsp, self._of(*DAYS), market, session, rows), bsp

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
