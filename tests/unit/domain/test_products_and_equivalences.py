"""Products and the Table of Equivalences (PRD-1, TOE-1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.equivalences import Acceptance, Equivalence, check_equivalence, compare, sides_of
from registry.domain.identifiers import bytes32_text, product_id, text_of_bytes32
from registry.domain.products import Product, SettlementMethod, check_product
from registry.domain.refusals import Refusal

PRODUCT = Product(
    product=product_id(1, 1),
    supersedes=0,
    service=bytes32_text("active power"),
    test_infrastructure=bytes32_text("PGUI"),
    months=0xFFF,
    weekdays=0x1F,
    from_minute=18 * 60,
    until_minute=22 * 60,
    min_up_kw=10,
    min_down_kw=5,
    activation_time_s=900,
    recovery_time_s=3_600,
    duration_s=7_200,
    method=SettlementMethod.METERED,
    tolerance_ppm=100_000,
    penalty_numerator=11,
    penalty_denominator=7,
    qualification_days=365,
    payload_hash=bytes(32),
)
# attribute, a change that demands more, a change that demands less
DEMANDS = [
    ("minUpKw", {"min_up_kw": 11}, {"min_up_kw": 9}),
    ("minDownKw", {"min_down_kw": 6}, {"min_down_kw": 4}),
    ("activationTimeS", {"activation_time_s": 899}, {"activation_time_s": 901}),
    ("recoveryTimeS", {"recovery_time_s": 3_599}, {"recovery_time_s": 3_601}),
    ("durationS", {"duration_s": 7_201}, {"duration_s": 7_199}),
    ("weekdays", {"weekdays": 0x3F}, {"weekdays": 0xF}),
    ("fromMinute", {"from_minute": 1_079}, {"from_minute": 1_081}),
    ("untilMinute", {"until_minute": 1_321}, {"until_minute": 1_319}),
    ("tolerancePpm", {"tolerance_ppm": 99_999}, {"tolerance_ppm": 100_001}),
]


@pytest.mark.rule("PRD-1")
@pytest.mark.parametrize(
    ("change", "attribute"),
    [
        ({"product": 1 << 16}, "product"),
        ({"service": bytes(32)}, "service"),
        ({"test_infrastructure": bytes(32)}, "testInfrastructure"),
        ({"months": 0}, "months"),
        ({"months": 0x1000}, "months"),
        ({"weekdays": 0}, "weekdays"),
        ({"weekdays": 0x80}, "weekdays"),
        ({"until_minute": 1_441}, "untilMinute"),
        ({"from_minute": 1_320}, "fromMinute"),
        ({"min_up_kw": 131_072}, "minUpKw"),
        ({"min_down_kw": 131_072}, "minDownKw"),
        ({"min_up_kw": 0, "min_down_kw": 0}, "minUpKw"),
        ({"duration_s": 0}, "durationS"),
        ({"tolerance_ppm": 1_000_001}, "tolerancePpm"),
        ({"penalty_denominator": 0}, "penaltyDenominator"),
        ({"qualification_days": 0}, "qualificationDays"),
        ({"qualification_days": 36_526}, "qualificationDays"),
    ],
)
def test_an_attribute_out_of_its_range_is_named(change: dict[str, object], attribute: str) -> None:
    check_product(PRODUCT)
    with pytest.raises(Refusal, match="PRD-1") as refusal:
        check_product(replace(PRODUCT, **change))  # type: ignore[arg-type]
    assert text_of_bytes32(refusal.value.values["attribute"]) == attribute  # type: ignore[arg-type]


@pytest.mark.rule("PRD-1")
def test_one_direction_is_enough() -> None:
    check_product(replace(PRODUCT, min_up_kw=0))
    check_product(replace(PRODUCT, min_down_kw=0))


@pytest.mark.rule("TOE-1")
def test_equal_products_are_equivalent() -> None:
    check_equivalence(PRODUCT, replace(PRODUCT, product=product_id(2, 1)))
    assert len(list(compare(PRODUCT, PRODUCT))) == 12


@pytest.mark.rule("TOE-1")
@pytest.mark.parametrize(("attribute", "more", "less"), DEMANDS)
def test_each_attribute_counts_in_its_direction(
    attribute: str, more: dict[str, int], less: dict[str, int]
) -> None:
    check_equivalence(replace(PRODUCT, **more), PRODUCT)
    check_equivalence(PRODUCT, replace(PRODUCT, **less))
    for weaker, stronger in ((replace(PRODUCT, **less), PRODUCT), (PRODUCT, replace(PRODUCT, **more))):
        with pytest.raises(Refusal, match="TOE-1") as refusal:
            check_equivalence(weaker, stronger)
        assert text_of_bytes32(refusal.value.values["attribute"]) == attribute  # type: ignore[arg-type]


@pytest.mark.rule("TOE-1", "TOE-2")
@pytest.mark.parametrize(
    "change",
    [{"months": 0xFFE}, {"service": bytes32_text("voltage")}, {"test_infrastructure": bytes32_text("UPMG")}],
)
def test_months_service_and_infrastructure(change: dict[str, object]) -> None:
    with pytest.raises(Refusal, match="TOE-1"):
        check_equivalence(replace(PRODUCT, **change), PRODUCT)  # type: ignore[arg-type]


variants = st.builds(
    lambda up, minutes, tolerance, weekdays: replace(
        PRODUCT, min_up_kw=up, until_minute=minutes, tolerance_ppm=tolerance, weekdays=weekdays
    ),
    st.integers(1, 4),
    st.integers(1_200, 1_203),
    st.integers(0, 3),
    st.integers(1, 7),
)


@pytest.mark.rule("TOE-1")
@given(variants, variants, variants)
def test_demanding_at_least_is_an_order(a: Product, b: Product, c: Product) -> None:
    def at_least(one: Product, other: Product) -> bool:
        return all(row.fulfilled for row in compare(one, other))

    assert at_least(a, a)
    if at_least(a, b) and at_least(b, c):
        assert at_least(a, c)
    if at_least(a, b) and at_least(b, a):
        assert a == b


@pytest.mark.rule("TOE-1")
def test_an_equivalence_holds_once_both_sides_accepted() -> None:
    a, b = product_id(1, 1), product_id(2, 1)
    assert sides_of(1, a, b) is Acceptance.FROM
    assert sides_of(2, a, b) is Acceptance.TO
    assert sides_of(3, a, b) is Acceptance.NONE
    assert sides_of(1, a, product_id(1, 2)) is Acceptance.BOTH
    assert [accepted for accepted in Acceptance if Equivalence(a, b, accepted).holds] == []
    assert Equivalence(a, b, Acceptance.FROM | Acceptance.TO).holds
