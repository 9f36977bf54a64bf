"""Table of Equivalences: when the test of one product proves another (TOE-1, TOE-2; D4.1 §6.2).

An equivalence from product A to product B says: who passed A's test is qualified for B. It can be proposed
where A demands at least what B demands, of the same service on the same test infrastructure, and holds once
both operators accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag

from registry.domain.identifiers import bytes32_text, owner_of_product
from registry.domain.products import Product
from registry.domain.refusals import Refusal


class Acceptance(IntFlag):
    """Which sides accepted an equivalence; none of them: it is not proposed."""

    NONE = 0
    FROM = 1
    TO = 2
    BOTH = 3


@dataclass(frozen=True, slots=True)
class Equivalence:
    """One row of the Table of Equivalences."""

    from_product: int
    to_product: int
    accepted: Acceptance

    @property
    def holds(self) -> bool:
        """Whether both operators accepted (TOE-1)."""
        return self.accepted is Acceptance.BOTH


@dataclass(frozen=True, slots=True)
class Comparison:
    """One attribute of two products: whether the first demands at least what the second does."""

    attribute: str
    from_value: int
    to_value: int
    fulfilled: bool


def sides_of(operator: int, from_product: int, to_product: int) -> Acceptance:
    """The sides of an equivalence that an operator answers for."""
    sides = Acceptance.NONE
    if owner_of_product(from_product) == operator:
        sides |= Acceptance.FROM
    if owner_of_product(to_product) == operator:
        sides |= Acceptance.TO
    return sides


def compare(demanding: Product, demanded: Product) -> Iterator[Comparison]:
    """Whether `demanding` demands at least what `demanded` does, attribute by attribute (TOE-1).

    1. The pure case: the same service, tested on the same infrastructure (TOE-2). 2. As much power, as fast,
    as often and as long. 3. Whenever the other is available. 4. No more leniently.
    """
    a, b = demanding, demanded
    # 1
    yield _row("service", int.from_bytes(a.service), int.from_bytes(b.service), a.service == b.service)
    yield _row(
        "testInfrastructure",
        int.from_bytes(a.test_infrastructure),
        int.from_bytes(b.test_infrastructure),
        a.test_infrastructure == b.test_infrastructure,
    )
    # 2
    yield _row("minUpKw", a.min_up_kw, b.min_up_kw, a.min_up_kw >= b.min_up_kw)
    yield _row("minDownKw", a.min_down_kw, b.min_down_kw, a.min_down_kw >= b.min_down_kw)
    yield _row(
        "activationTimeS",
        a.activation_time_s,
        b.activation_time_s,
        a.activation_time_s <= b.activation_time_s,
    )
    yield _row("recoveryTimeS", a.recovery_time_s, b.recovery_time_s, a.recovery_time_s <= b.recovery_time_s)
    yield _row("durationS", a.duration_s, b.duration_s, a.duration_s >= b.duration_s)
    # 3
    yield _row("months", a.months, b.months, not b.months & ~a.months)
    yield _row("weekdays", a.weekdays, b.weekdays, not b.weekdays & ~a.weekdays)
    yield _row("fromMinute", a.from_minute, b.from_minute, a.from_minute <= b.from_minute)
    yield _row("untilMinute", a.until_minute, b.until_minute, a.until_minute >= b.until_minute)
    # 4
    yield _row("tolerancePpm", a.tolerance_ppm, b.tolerance_ppm, a.tolerance_ppm <= b.tolerance_ppm)


def check_equivalence(demanding: Product, demanded: Product) -> None:
    """Refuse an equivalence by the first attribute that stands against it (TOE-1).

    Raises:
        Refusal: TOE-1 NotEquivalent.
    """
    for row in compare(demanding, demanded):
        if not row.fulfilled:
            raise Refusal(
                "NotEquivalent",
                from_=demanding.product,
                to=demanded.product,
                attribute=bytes32_text(row.attribute),
                from_value=row.from_value,
                to_value=row.to_value,
            )


def _row(attribute: str, from_value: int, to_value: int, fulfilled: bool) -> Comparison:
    return Comparison(attribute, from_value, to_value, fulfilled)
