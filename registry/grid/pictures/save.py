"""Figures into files: PNG or SVG by the file's name, the same bytes for the same figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import matplotlib
from matplotlib.figure import Figure

from registry.grid.pictures.formats import check_format

_DOTS_PER_INCH: Final = 130
_STYLE: Final[dict[Any, Any]] = {"svg.hashsalt": "flexledger", "svg.fonttype": "none"}
_METADATA: Final[dict[str, dict[str, str | None]]] = {".png": {"Software": None}, ".svg": {"Date": None}}


def save(figure: Figure, path: Path) -> None:
    """Write a figure. Text in an SVG stays text.

    Raises:
        InputInvalid: GRD-2, for a file that is neither.
        OSError: the file cannot be written.
    """
    check_format(path)
    suffix = path.suffix.lower()
    with matplotlib.rc_context(_STYLE):
        figure.savefig(
            path,
            format=suffix[1:],
            dpi=_DOTS_PER_INCH,
            bbox_inches="tight",
            facecolor="white",
            metadata=_METADATA[suffix],
        )
