"""Who and what the demo is about: parties, products, prices. All names are invented; the grid and its day
are SimBench's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from registry.domain.calendar import DeliveryDay
from registry.domain.identifiers import aggregate_id, bytes32_text, eic_check_character, product_id
from registry.domain.participants import PartyKind
from registry.domain.products import Product, SettlementMethod

DAY = DeliveryDay(date(2026, 6, 18))
"""The delivery day that SimBench's Thursday 2016-06-09 is played on (data/simbench_rural/README.md)."""
PROFILE_DAY = date(2016, 6, 9)


@dataclass(frozen=True, slots=True)
class Participant:
    """A party of the demo."""

    party: int
    kind: PartyKind
    name: str
    eic_body: str

    @property
    def eic(self) -> str:
        """Its EIC with the check character."""
        return self.eic_body + eic_check_character(self.eic_body)


TSO, DSO, OTHER_DSO = 1, 11, 12
BSPS = (21, 22, 23)
ACCESS_NODE, AUDITOR = 31, 41
PARTICIPANTS = (
    Participant(TSO, PartyKind.TSO, "Trasporto Nazionale", "10XFLEX-TSO----"),
    Participant(DSO, PartyKind.DSO, "Rete Collina", "11XFLEX-DSO-C--"),
    Participant(OTHER_DSO, PartyKind.DSO, "Rete Pianura", "11XFLEX-DSO-P--"),
    Participant(21, PartyKind.BSP, "Aggregatore Alba", "12XFLEX-BSP-A--"),
    Participant(22, PartyKind.BSP, "Aggregatore Borea", "12XFLEX-BSP-B--"),
    Participant(23, PartyKind.BSP, "Aggregatore Cometa", "12XFLEX-BSP-C--"),
    Participant(ACCESS_NODE, PartyKind.ACCESS_NODE, "Nodo di Accesso", "13XFLEX-NODE---"),
    Participant(AUDITOR, PartyKind.AUDITOR, "Revisori Associati", "14XFLEX-AUDIT--"),
)

LOCAL = {bsp: aggregate_id(bsp, 1) for bsp in BSPS}
GLOBAL = {bsp: aggregate_id(bsp, 2) for bsp in BSPS}

CONGESTION = product_id(DSO, 1)
BALANCING = product_id(TSO, 1)
FAST = product_id(TSO, 2)
_ACTIVE_POWER = bytes32_text("ACTIVE-POWER")
_PGUI_TEST = bytes32_text("PGUI-QUARTER-HOUR")


def _product(number: int, **changes: object) -> Product:
    fields: dict[str, object] = {
        "product": number,
        "supersedes": 0,
        "service": _ACTIVE_POWER,
        "test_infrastructure": _PGUI_TEST,
        "months": 0xFFF,
        "weekdays": 0x7F,
        "from_minute": 0,
        "until_minute": 1440,
        "min_up_kw": 10,
        "min_down_kw": 50,
        "activation_time_s": 900,
        "recovery_time_s": 0,
        "duration_s": 3600,
        "method": SettlementMethod.METERED,
        "tolerance_ppm": 100_000,
        "penalty_numerator": 11,
        "penalty_denominator": 7,
        "qualification_days": 365,
        "payload_hash": bytes(32),
    }
    return Product(**{**fields, **changes})  # type: ignore[arg-type]


PRODUCTS = {
    DSO: (_product(CONGESTION),),
    TSO: (
        _product(
            BALANCING, min_up_kw=5, min_down_kw=20, activation_time_s=1800, method=SettlementMethod.REQUESTED
        ),
        _product(
            FAST, test_infrastructure=bytes32_text("TELEMETRY-4S"), activation_time_s=30, duration_s=900
        ),
    ),
}
PRODUCT_NAMES = {
    CONGESTION: "feeder congestion (metered)",
    BALANCING: "balancing, mFRR-like (requested)",
    FAST: "fast reserve, aFRR-like",
}

AGREEING = BSPS[0]
"""The BSP that has availability agreements with the DSO; the others bid for local services."""
AGREED_KW = 50
AVAILABILITY_PRICE, AGREED_PRICE = 3_430, 200_000
"""Milli-euro per MWh: 30,000 EUR/MW/year over 8,760 hours is 3.43 EUR per MW and hour; the use price as in
the sample product of SPEC 13.
"""
LOCAL_PRICE = {22: 180_000, 23: 210_000}
GLOBAL_PRICE = {21: 155_000, 22: 149_000, 23: 162_000}
"""Prices of bids, milli-euro per MWh."""

TSO_DIRECTION = {
    **dict.fromkeys(range(6, 10), 1),
    **dict.fromkeys(range(10, 16), -1),
    **dict.fromkeys(range(18, 22), 1),
}
"""What the TSO needs: upward in the morning and evening peaks, downward under the midday sun."""

FORECAST_ERROR = (0.06, 0.05, 0.04, 0.03, 0.02, 0.01)
"""How far the forecast of each session may be off, per element: it gets better through the day."""
TEST_PERFORMANCE_PERMILLE = 960
