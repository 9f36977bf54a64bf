"""Writes the vectors of docs/formats beside this file: ``python -m tests.vectors.make_vectors``.

It uses nothing of the register, so that register and devices are checked against a third reading of the
formats. Every run gives the same bytes: keys come from labels, signatures use the deterministic nonce of RFC
6979. ``making/`` has one module by subject.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.vectors.making.bad_keys import bad_keys
from tests.vectors.making.bad_setpoints import bad_setpoints
from tests.vectors.making.bad_statements import bad_statements
from tests.vectors.making.checkpoints import checkpoint_vectors
from tests.vectors.making.commitments import commitment_vectors
from tests.vectors.making.cosignatures import cosignature_vectors
from tests.vectors.making.good_statements import good_statements
from tests.vectors.making.receipts import receipt_vectors
from tests.vectors.making.refusals import refusals
from tests.vectors.making.trees import merkle_vectors

FOLDER = Path(__file__).parent

FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "commitments.json": commitment_vectors,
    "statements.json": lambda: {"good": good_statements(), "bad": bad_statements()},
    "setpoints.json": lambda: {"bad": bad_setpoints()},
    "keys.json": lambda: {"bad": bad_keys()},
    "refusals.json": refusals,
    "merkle.json": merkle_vectors,
    "checkpoints.json": checkpoint_vectors,
    "cosignatures.json": cosignature_vectors,
    "receipts.json": receipt_vectors,
}


def render(name: str) -> bytes:
    """The bytes of one vector file."""
    return (json.dumps(FILES[name](), indent=1, ensure_ascii=False) + "\n").encode()


def main() -> None:
    for name in FILES:
        (FOLDER / name).write_bytes(render(name))


if __name__ == "__main__":
    main()
