"""Parties and products of the consortium that benchmarks of the ledger found."""

from __future__ import annotations

from eth_utils.crypto import keccak

from registry.domain.identifiers import bytes32_text, eic_check_character
from registry.domain.products import Product, SettlementMethod

PAYLOAD = keccak(text="payload")
"""Stands for the hash of what the vault would hold."""


def eic_of(party: int) -> bytes:
    """A well-formed EIC with the party's number in it."""
    body = f"11XFLEX-{party:07d}"
    return (body + eic_check_character(body)).encode()


def plain_product(number: int) -> Product:
    """A product that every aggregate with 1 kW can serve at any time."""
    return Product(
        product=number,
        supersedes=0,
        service=bytes32_text("active power"),
        test_infrastructure=bytes32_text("PGUI"),
        months=0xFFF,
        weekdays=0x7F,
        from_minute=0,
        until_minute=1_440,
        min_up_kw=1,
        min_down_kw=0,
        activation_time_s=900,
        recovery_time_s=0,
        duration_s=3_600,
        method=SettlementMethod.METERED,
        tolerance_ppm=100_000,
        penalty_numerator=11,
        penalty_denominator=7,
        qualification_days=365,
        payload_hash=PAYLOAD,
    )
