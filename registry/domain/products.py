"""Products of system operators (PRD-1, D4.1 Table 7)."""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.enums import SettlementMethod
from registry.domain.identifiers import bytes32_text
from registry.domain.quantities import MAX_KW
from registry.domain.refusals import Refusal

__all__ = [
    "Product",
    "SettlementMethod",
    "check_product",
]

MINUTES_PER_DAY = 1_440
ALL_MONTHS = 0xFFF
ALL_WEEKDAYS = 0x7F
PPM = 1_000_000
MAX_QUALIFICATION_DAYS = 36_525
_SERIAL_MASK = 0xFFFF


@dataclass(frozen=True, slots=True)
class Product:
    """One version of a product.

    It is never edited: a change is a new product that names the one it `supersedes` (0 for none).

    `service` and `test_infrastructure` are words of 32 bytes. `months` and `weekdays` are bit masks from
    January and from Monday. Minutes count from local midnight and the window is half-open. Powers in kW,
    times in seconds, `tolerance_ppm` parts per million of the requested energy, `penalty_numerator /
    penalty_denominator` times the use price on what is missing beyond it. `qualification_days` is how long a
    passed test is good for. Prices are no part of a product (PRIV-3).
    """

    product: int
    supersedes: int
    service: bytes
    test_infrastructure: bytes
    months: int
    weekdays: int
    from_minute: int
    until_minute: int
    min_up_kw: int
    min_down_kw: int
    activation_time_s: int
    recovery_time_s: int
    duration_s: int
    method: SettlementMethod
    tolerance_ppm: int
    penalty_numerator: int
    penalty_denominator: int
    qualification_days: int
    payload_hash: bytes


def check_product(product: Product) -> None:
    """Refuse the first attribute that is out of its range, with the bound that it breaks (PRD-1).

    Raises:
        Refusal: PRD-1 ProductInvalid.
    """
    serial = product.product & _SERIAL_MASK
    bounds: tuple[tuple[str, int, int, int | None], ...] = (
        ("product", serial, 1, None),
        ("service", int.from_bytes(product.service), 1, None),
        ("testInfrastructure", int.from_bytes(product.test_infrastructure), 1, None),
        ("months", product.months, 1, ALL_MONTHS),
        ("weekdays", product.weekdays, 1, ALL_WEEKDAYS),
        ("untilMinute", product.until_minute, 0, MINUTES_PER_DAY),
    )
    _check(product, bounds)
    if product.from_minute >= product.until_minute:
        raise _invalid(product, "fromMinute", product.from_minute, product.until_minute)
    _check(
        product,
        (
            ("minUpKw", product.min_up_kw, 0, MAX_KW),
            ("minDownKw", product.min_down_kw, 0, MAX_KW),
            ("minUpKw", product.min_up_kw, 0 if product.min_down_kw else 1, None),
            ("durationS", product.duration_s, 1, None),
            ("tolerancePpm", product.tolerance_ppm, 0, PPM),
            ("penaltyDenominator", product.penalty_denominator, 1, None),
            ("qualificationDays", product.qualification_days, 1, MAX_QUALIFICATION_DAYS),
        ),
    )


def _check(product: Product, bounds: tuple[tuple[str, int, int, int | None], ...]) -> None:
    for attribute, found, least, most in bounds:
        if found < least:
            raise _invalid(product, attribute, found, least)
        if most is not None and found > most:
            raise _invalid(product, attribute, found, most)


def _invalid(product: Product, attribute: str, found: int, limit: int) -> Refusal:
    return Refusal(
        "ProductInvalid", product=product.product, attribute=bytes32_text(attribute), found=found, limit=limit
    )
