"""JSON files of the grid platform, read without trusting them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from registry.domain.json_text import flaw_of
from registry.grid.faults import Fault, GridInvalid


def require_json(path: Path, field: str, *, rule: str = "GRD-1") -> bytes:
    """The bytes of a file that a parser may see.

    Raises :class:`~registry.grid.faults.GridInvalid` for another encoding than UTF-8 and for nesting beyond
    all sense, which could end the process.
    """
    text = path.read_bytes()
    flaw = flaw_of(text)
    if flaw is not None:
        raise GridInvalid(field, [Fault("not_json", path.name, flaw.found, flaw.allowed)], rule=rule)
    return text


def entries_of(path: Path, field: str, shape: str, *, rule: str) -> list[Any]:
    """The list under ``field`` of a JSON object; ``shape`` says how the file should look.

    Raises :class:`~registry.grid.faults.GridInvalid` for everything else.
    """
    try:
        document = json.loads(require_json(path, field, rule=rule))
    except ValueError as error:
        raise GridInvalid(field, [Fault("not_json", path.name, str(error), shape)], rule=rule) from None
    entries = document.get(field) if isinstance(document, dict) else None
    if not isinstance(entries, list):
        found = "no such list" if isinstance(document, dict) else type(document).__name__
        raise GridInvalid(field, [Fault("bad_shape", path.name, found, shape)], rule=rule)
    return entries
