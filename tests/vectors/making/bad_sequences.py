"""Sequences of statements with a fault: what stands before it MUST be taken (MEA-1)."""

from __future__ import annotations

from typing import Any

from tests.vectors.making.payloads import READING, START
from tests.vectors.making.signing import statement


def sequences() -> list[dict[str, Any]]:
    """Each at the same time, to a node that takes ``items_max`` items at once."""
    one, two = statement(READING), statement({**READING, 3: START - 900, 5: 2})
    cases: list[tuple[str, list[bytes], bytes, int]] = [
        ("a sequence cut off within a statement", [one], two[:-1], 10),
        ("a sequence that begins with no item", [], b"\xff" + one, 10),
        ("an item of indefinite length between two statements", [one], b"\x9f\x01\xff" + two, 10),
        ("an item that says it has 2^60 bytes", [one, two], b"\x5b\x10" + bytes(7) + one, 10),
        ("an item of 4097 bytes", [one], b"\x59\x0f\xfe" + bytes(4094) + two, 10),
        ("more statements than are taken at once", [one, two], one, 2),
    ]
    return [
        {
            "name": name,
            "rule": "MEA-1",
            "field": "body",
            "now": START + 1800,
            "items_max": items_max,
            "taken": [item.hex() for item in taken],
            "sequence": (b"".join(taken) + rest).hex(),
        }
        for name, taken, rest, items_max in cases
    ]
