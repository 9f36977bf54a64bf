"""From outcomes and declarations to the statement document (SES-3, STT-1, STT-2, STT-3, STT-5)."""

from datetime import date

import pytest

from registry.domain.calendar import DeliveryDay
from registry.domain.deals import DealTerms
from registry.domain.errors import InputInvalid, RuleViolation
from registry.domain.identifiers import canonical_json
from registry.domain.products import Product, SettlementMethod
from registry.domain.settlement_case import (
    Outcome,
    PerimeterCase,
    ReadingFact,
    SettlementCase,
    build_statement,
    in_availability_window,
    outcome_of_hour,
    serving_pods,
)

DAY = DeliveryDay(date(2026, 6, 18))
A, B, C = (bytes([n]) * 32 for n in (1, 2, 3))
DEAL_1, DEAL_2 = bytes([9]) * 32, bytes([8]) * 32
PRICES = DealTerms(1_000, 200_000, 0)
ALL_DAY = (1 << 96) - 1


def product(method: SettlementMethod = SettlementMethod.METERED) -> Product:
    """Working days 18:00 to 22:00, tolerance 10 %, penalty 11/7."""
    return Product(
        1, 0, b"", b"", 0xFFF, 0b11111, 1080, 1320, 1, 1, 900, 0, 900, method, 100_000, 11, 7, 365, bytes(32)
    )


def perimeter(**changes: object) -> PerimeterCase:
    """10 kW up in hour 18, served by A."""
    fields: dict[str, object] = {
        "perimeter": 5,
        "outcomes": (Outcome(1, 1, tuple(10 if h == 18 else 0 for h in range(24)), DEAL_1),),
        "completed_sessions": frozenset({1}),
        "declared": {A: 0b1111 << 72},
        "other_market": {},
        "held": {},
        "members": {A: (10, 10), B: (10, 0), C: (0, 10)},
    }
    return PerimeterCase(**{**fields, **changes})  # type: ignore[arg-type]


def case(*perimeters: PerimeterCase, method: SettlementMethod = SettlementMethod.METERED) -> SettlementCase:
    return SettlementCase(bytes(32), 11, 21, 7, product(method), DAY, perimeters, bytes(32))


def readings(wh: int, *pods: bytes) -> dict[tuple[bytes, int], ReadingFact]:
    return {(pod, quarter): ReadingFact(wh) for pod in pods for quarter in range(96)}


@pytest.mark.rule("STT-1", "STT-2")
def test_a_fully_delivered_hour_is_paid_to_the_cent() -> None:
    document = build_statement(case(perimeter()), {DEAL_1: PRICES}, {A: [0] * 96}, readings(2_500, A))
    assert document["total_cent"] == 200  # 10 kWh at 200 EUR/MWh
    assert [line["quarter"] for line in document["deals"][0]["lines"]] == [72, 73, 74, 75]
    assert canonical_json(document) == canonical_json(
        build_statement(case(perimeter()), {DEAL_1: PRICES}, {A: [0] * 96}, readings(2_500, A))
    )


@pytest.mark.rule("SES-3")
def test_without_a_completed_declaration_all_available_members_serve() -> None:
    open_case = perimeter(completed_sessions=frozenset())
    assert serving_pods(open_case, DAY, 18, 72, 10) == (A, B)
    assert serving_pods(open_case, DAY, 18, 72, -10) == (A, C)
    taken = perimeter(completed_sessions=frozenset(), other_market={A: 1 << 75})
    assert serving_pods(taken, DAY, 18, 72, 10) == (B,)


@pytest.mark.rule("SES-3")
def test_a_raise_after_the_declaration_needs_a_new_one() -> None:
    raised = Outcome(2, 1, tuple(20 if h == 18 else 0 for h in range(24)), DEAL_2)
    outcomes = (*perimeter().outcomes, raised)
    assert serving_pods(perimeter(outcomes=outcomes), DAY, 18, 72, 20) == (A, B)
    again = perimeter(outcomes=outcomes, completed_sessions=frozenset({1, 2}))
    assert serving_pods(again, DAY, 18, 72, 20) == (A,)


@pytest.mark.rule("SES-1")
def test_an_hour_belongs_to_the_last_session_that_could_plan_it() -> None:
    outcomes = tuple(Outcome(k, 1, (0,) * 24, bytes([k]) * 32) for k in range(1, 7))
    assert [outcome_of_hour(outcomes, DAY, hour).session for hour in (0, 3, 4, 11, 12, 23)] == [
        1,
        1,
        2,
        3,
        4,
        6,
    ]  # type: ignore[union-attr]


@pytest.mark.rule("STT-3")
def test_a_missing_reading_and_a_missing_baseline_leave_their_periods_unsettled() -> None:
    partial = {key: fact for key, fact in readings(2_500, A).items() if key[1] != 73}
    document = build_statement(case(perimeter()), {DEAL_1: PRICES}, {A: [0] * 96}, partial)
    assert document["unsettled_periods"] == 1 and document["total_cent"] == 150
    assert "no certified reading" in document["deals"][0]["lines"][1]["unsettled"]
    document = build_statement(case(perimeter()), {DEAL_1: PRICES}, {}, readings(2_500, A))
    assert document["unsettled_periods"] == 4 and document["total_cent"] == 0


@pytest.mark.rule("STT-5")
def test_a_pod_in_both_markets_is_never_settled() -> None:
    with pytest.raises(RuleViolation, match="STT-5"):
        build_statement(
            case(perimeter(other_market={A: 1 << 72})), {DEAL_1: PRICES}, {A: [0] * 96}, readings(2_500, A)
        )


@pytest.mark.rule("STT-2")
def test_availability_is_paid_in_the_window_of_the_product() -> None:
    stand_by = DealTerms(1_000, 200_000, 100)
    document = build_statement(case(perimeter()), {DEAL_1: stand_by}, {A: [0] * 96}, readings(2_500, A))
    assert document["deals"][0]["availability_neur"] == 16 * 100 * 250 * 1_000
    assert not in_availability_window(product(), DeliveryDay(date(2026, 6, 20)), 72)


@pytest.mark.rule("STT-2")
def test_a_deal_nobody_opened_is_refused() -> None:
    with pytest.raises(RuleViolation, match="STT-2: terms"):
        build_statement(case(perimeter()), {}, {}, {})


@pytest.mark.rule("STT-2")
@pytest.mark.parametrize(
    "change",
    [{"kind": "other"}, {"available_kw": "3"}, {"available_kw": -1}, {"available_kw": True}, {"x": 1}],
)
def test_terms_are_read_strictly(change: dict[str, object]) -> None:
    assert DealTerms.from_payload(PRICES.as_payload()) == PRICES
    with pytest.raises(InputInvalid):
        DealTerms.from_payload({**PRICES.as_payload(), **change})
