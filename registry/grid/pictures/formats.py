"""The kinds of picture files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from registry.domain.errors import InputInvalid

FORMATS: Final = (".png", ".svg")


def check_format(path: Path) -> None:
    """Refuse a file that is neither PNG nor SVG.

    Raises:
        InputInvalid: GRD-2, by the file's name.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputInvalid(
            rule="GRD-2",
            field="picture",
            found=path.name,
            allowed=f"a name that ends in {' or '.join(FORMATS)}",
        )
