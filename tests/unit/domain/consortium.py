"""A small consortium to try rules on: one TSO, two DSOs, two BSPs, one delivery day, eight PODs.

The same founding runs in the rulebook and, in the conformance suite, on a chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

import pytest

from registry.domain import commands as c
from registry.domain.aggregates import AggregateDraft, Scope
from registry.domain.calendar import DeliveryDay
from registry.domain.events import Event
from registry.domain.identifiers import (
    aggregate_id,
    bytes32_text,
    eic_check_character,
    perimeter_id,
    product_id,
)
from registry.domain.lights import PerimeterDraft, PerimeterLights
from registry.domain.market import PodQuarters, Selection, quarters_of
from registry.domain.participants import Admission, PartyKind
from registry.domain.pods import PodCategory, Registration, StaticLight, StaticLightDecision, VoltageLevel
from registry.domain.prequalification import QualificationState
from registry.domain.products import Product, SettlementMethod
from registry.domain.quantities import GREEN, pack_cells, pack_selection
from registry.domain.refusals import Refusal
from registry.domain.rulebook import Rulebook
from registry.domain.sessions import Market, ScheduleTemplate

ADMIN, TSO, DSO, OTHER_DSO, BSP, OTHER_BSP, NODE, AUDITOR = range(8)
KINDS = {
    TSO: PartyKind.TSO,
    DSO: PartyKind.DSO,
    OTHER_DSO: PartyKind.DSO,
    BSP: PartyKind.BSP,
    OTHER_BSP: PartyKind.BSP,
    NODE: PartyKind.ACCESS_NODE,
    AUDITOR: PartyKind.AUDITOR,
}
DAY = DeliveryDay(date(2026, 7, 26))
SCHEDULE = ScheduleTemplate().schedule(DAY)
NEXT = ScheduleTemplate().schedule(DAY.plus(1))
FOUNDED_AT = SCHEDULE.opens_at - 86_400
DISPUTE_WINDOW_S = 7 * 86_400
FEEDER_1, FEEDER_2 = perimeter_id(DSO, 1), perimeter_id(DSO, 2)
FOREIGN_FEEDER = perimeter_id(OTHER_DSO, 1)
LOCAL, GLOBAL, TWIN = aggregate_id(BSP, 1), aggregate_id(BSP, 2), aggregate_id(BSP, 3)
OTHER_GLOBAL = aggregate_id(OTHER_BSP, 1)
LOCAL_PRODUCT, GLOBAL_PRODUCT, UNTESTED_PRODUCT = product_id(DSO, 1), product_id(TSO, 1), product_id(TSO, 2)
PODS = [bytes([number]) * 32 for number in range(1, 9)]
NOTHING = bytes(32)
UP_KW, DOWN_KW = 10, 5
HOURS = range(24)


class Ledger(Protocol):
    """Rulebook or chain: takes commands, gives events or refuses."""

    def execute(self, command: c.Command, sender: str, now: int) -> list[Event]: ...


def addresses() -> dict[int, str]:
    return {party: f"0x{party + 0xA0:040x}" for party in (ADMIN, *KINDS)}


def eic(party: int) -> bytes:
    body = f"11XFLEX-{party:07d}"
    return (body + eic_check_character(body)).encode()


def admission(party: int, signers: Mapping[int, str], kind: PartyKind | None = None) -> Admission:
    return Admission(party, kind or KINDS[party], eic(party), f"Party {party}", signers[party])


def registration(pod_id: bytes, dso: int = DSO, up_kw: int = UP_KW, down_kw: int = DOWN_KW) -> Registration:
    return Registration(pod_id, dso, PodCategory.MIXED, VoltageLevel.LOW, up_kw, down_kw, 60, NOTHING)


def confirmed(pod_id: bytes, perimeter: int = FEEDER_1) -> StaticLightDecision:
    return StaticLightDecision(pod_id, StaticLight.CONFIRMED, UP_KW, DOWN_KW, perimeter, NOTHING)


def product(number: int, **changes: object) -> Product:
    terms: dict[str, object] = {
        "product": number,
        "supersedes": 0,
        "service": bytes32_text("active power"),
        "test_infrastructure": bytes32_text("PGUI"),
        "months": 0xFFF,
        "weekdays": 0x7F,
        "from_minute": 0,
        "until_minute": 1_440,
        "min_up_kw": 10,
        "min_down_kw": 0,
        "activation_time_s": 900,
        "recovery_time_s": 0,
        "duration_s": 3_600,
        "method": SettlementMethod.METERED,
        "tolerance_ppm": 100_000,
        "penalty_numerator": 11,
        "penalty_denominator": 7,
        "qualification_days": 365,
        "payload_hash": NOTHING,
    }
    return Product(**{**terms, **changes})  # type: ignore[arg-type]


def lights(perimeter: int, up_kw: int = GREEN, down_kw: int = GREEN) -> PerimeterLights:
    return PerimeterLights(perimeter, pack_cells([up_kw] * 24), pack_cells([down_kw] * 24), NOTHING)


def kw(hours: Mapping[int, int]) -> list[int]:
    """Signed kW per hour of the day, 0 where not named."""
    return [hours.get(hour, 0) for hour in HOURS]


def selection(
    aggregate: int,
    hours: Mapping[int, int],
    perimeter: int = FEEDER_1,
    chain: tuple[int, ...] = (),
    tested: int = 0,
) -> Selection:
    default = (LOCAL_PRODUCT,) if aggregate in (LOCAL, TWIN) else (GLOBAL_PRODUCT,)
    return Selection(
        aggregate, perimeter, tested or aggregate, chain or default, pack_selection(kw(hours)), NOTHING
    )


def serving(pod: int, *hours: int) -> PodQuarters:
    """POD number `pod` in all quarters of these hours."""
    return PodQuarters(PODS[pod], quarters_of(hours))


def founding(signers: Mapping[int, str]) -> list[tuple[c.Command, int]]:
    """Commands and their senders.

    LOCAL has PODs 0 and 1, GLOBAL 0, 1 and 2, OTHER_GLOBAL 4 and 5 (of the other BSP), all in FEEDER_1; POD 3
    is in no aggregate; PODs 6 and 7 aren't registered. LOCAL is qualified for the local product, both globals
    for the global one.
    """
    state = QualificationState
    tested = ((DSO, LOCAL, LOCAL_PRODUCT), (TSO, GLOBAL, GLOBAL_PRODUCT), (TSO, OTHER_GLOBAL, GLOBAL_PRODUCT))
    steps: list[tuple[c.Command, int]] = [
        (c.AdmitParties(tuple(admission(party, signers) for party in KINDS)), ADMIN),
        (c.ScheduleDays(TSO, (SCHEDULE, NEXT)), TSO),
        (c.DeclarePerimeters(DSO, tuple(PerimeterDraft(p, (), NOTHING) for p in (FEEDER_1, FEEDER_2))), DSO),
        (c.DeclarePerimeters(OTHER_DSO, (PerimeterDraft(FOREIGN_FEEDER, (), NOTHING),)), OTHER_DSO),
        (c.RegisterPods(BSP, tuple(registration(pod) for pod in PODS[:4])), BSP),
        (c.RegisterPods(OTHER_BSP, tuple(registration(pod) for pod in PODS[4:6])), OTHER_BSP),
        (c.GiveStaticLights(DSO, tuple(confirmed(pod) for pod in PODS[:6])), DSO),
        (c.CreateAggregates(BSP, (draft(LOCAL), draft(GLOBAL, Scope.GLOBAL), draft(TWIN))), BSP),
        (c.CreateAggregates(OTHER_BSP, (draft(OTHER_GLOBAL, Scope.GLOBAL),)), OTHER_BSP),
        (c.JoinAggregate(BSP, LOCAL, tuple(PODS[:2])), BSP),
        (c.JoinAggregate(BSP, GLOBAL, tuple(PODS[:3])), BSP),
        (c.JoinAggregate(OTHER_BSP, OTHER_GLOBAL, tuple(PODS[4:6])), OTHER_BSP),
        (c.PublishProducts(DSO, (product(LOCAL_PRODUCT),)), DSO),
        (c.PublishProducts(TSO, (product(GLOBAL_PRODUCT), product(UNTESTED_PRODUCT))), TSO),
    ]
    for operator, aggregate, number in tested:
        bsp = OTHER_BSP if aggregate == OTHER_GLOBAL else BSP
        steps.append((c.ApplyForQualification(bsp, (aggregate,), (number,), (NOTHING,)), bsp))
        for wanted in (state.TESTING, state.QUALIFIED):
            steps.append((move(operator, aggregate, number, wanted), operator))
    return steps


def draft(aggregate: int, scope: Scope = Scope.LOCAL) -> AggregateDraft:
    return AggregateDraft(aggregate, scope, NOTHING)


def move(
    operator: int, aggregate: int, number: int, wanted: QualificationState, performance_permille: int = 950
) -> c.MoveQualification:
    return c.MoveQualification(
        operator, (aggregate,), (number,), (wanted,), (performance_permille,), (NOTHING,)
    )


class Consortium:
    """A ledger with its founding done, and a clock to turn."""

    def __init__(self, ledger: Ledger | None = None, signers: Mapping[int, str] | None = None) -> None:
        self.signers = signers or addresses()
        self.rulebook = Rulebook(self.signers[ADMIN], DISPUTE_WINDOW_S)
        self.ledger = ledger or self.rulebook
        self.now = FOUNDED_AT
        for command, party in founding(self.signers):
            self.now += 1
            self.do(command, party)

    def do(self, command: c.Command, party: int) -> list[Event]:
        return self.ledger.execute(command, self.signers[party], self.now)

    def refuses(self, command: c.Command, party: int, name: str, /, **values: object) -> Refusal:
        """The refusal, which has this name and at least these values."""
        with pytest.raises(Refusal) as refused:
            self.do(command, party)
        assert refused.value.name == name, str(refused.value)
        assert {key: refused.value.values[key] for key in values} == values
        return refused.value

    def at(self, market: Market, session: int) -> Consortium:
        """Turn the clock to the opening of a session of DAY."""
        self.now = SCHEDULE.window(market, session)[0]
        return self

    def publish(self, session: int, *rows: PerimeterLights) -> None:
        self.at(Market.LFP, session).do(
            c.PublishLights(DSO, DAY.number, session, rows or (lights(FEEDER_1),)), DSO
        )

    def select_local(self, session: int, *rows: Selection) -> list[Event]:
        return self.at(Market.LFP, session).do(local_outcome(session, *rows), DSO)

    def select_global(self, session: int, *rows: Selection) -> list[Event]:
        return self.at(Market.MSD, session).do(global_outcome(session, *rows), TSO)

    def declare(self, aggregate: int, pods: Sequence[PodQuarters], complete: bool = True) -> list[Event]:
        return self.do(declaration(aggregate, pods, complete), BSP)


def local_outcome(session: int, *rows: Selection, dso: int = DSO) -> c.SelectLocal:
    return c.SelectLocal(dso, DAY.number, session, rows)


def global_outcome(session: int, *rows: Selection) -> c.SelectGlobal:
    return c.SelectGlobal(TSO, DAY.number, session, rows)


def declaration(aggregate: int, pods: Sequence[PodQuarters], complete: bool = True) -> c.DeclarePods:
    return c.DeclarePods(aggregate >> 24, aggregate, FEEDER_1, DAY.number, tuple(pods), complete)


def release(aggregate: int, *pods: PodQuarters) -> c.ReleasePods:
    return c.ReleasePods(aggregate >> 24, aggregate, FEEDER_1, DAY.number, pods)
