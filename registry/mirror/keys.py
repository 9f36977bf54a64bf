"""Keys of the mirror's rows, see :mod:`registry.mirror.tables`: parts joined by dots, each of one width."""

from __future__ import annotations

PARTY_DIGITS = 5
DAY_DIGITS = 5
AREA_DIGITS = 13
"""Perimeters and aggregates: 40 bits."""
PRODUCT_DIGITS = 10
CHANGE_DIGITS = 10
SIZE_DIGITS = 20
BLOCK_DIGITS = 12
LOG_DIGITS = 6


def key(*parts: str) -> str:
    """The key of these parts."""
    return ".".join(parts)


def party_part(party: int) -> str:
    """A party's number."""
    return f"{party:0{PARTY_DIGITS}d}"


def day_part(day: int) -> str:
    """A delivery day's number."""
    return f"{day:0{DAY_DIGITS}d}"


def change_part(change: int) -> str:
    """The number of a change of the contracts."""
    return f"{change:0{CHANGE_DIGITS}d}"


def area_part(number: int) -> str:
    """A perimeter's or aggregate's number."""
    return f"{number:0{AREA_DIGITS}d}"


def product_part(product: int) -> str:
    """A product's number."""
    return f"{product:0{PRODUCT_DIGITS}d}"


def size_part(size: int) -> str:
    """The size of a log."""
    return f"{size:0{SIZE_DIGITS}d}"


def place_part(block: int, log_index: int) -> str:
    """The place of a fact, in one part."""
    return f"{block:0{BLOCK_DIGITS}d}-{log_index:0{LOG_DIGITS}d}"
