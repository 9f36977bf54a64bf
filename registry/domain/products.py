"""Products of system operators (PRD-1, D4.1 Table 7)."""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.enums import SettlementMethod

__all__ = [
    "Product",
    "SettlementMethod",
]


@dataclass(frozen=True, slots=True)
class Product:
    """One version of a product. It is never edited: a change is a new product that names the one it `supersedes` (0 for none).

    `service` and `test_infrastructure` are words of 32 bytes. `months` and `weekdays` are bit masks from January and from Monday.
    Minutes count from local midnight and the window is half-open. Powers in kW, times in seconds, `tolerance_ppm` parts per million
    of the requested energy, `penalty_numerator / penalty_denominator` times the use price on what is missing beyond it.
    `qualification_days` is how long a passed test is good for. Prices are no part of a product (PRIV-3).
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
