"""The rows of a forecast file: CSV (plain or gzip) or Parquet, told apart by content (GRD-1)."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from registry.grid.faults import Fault, GridInvalid

_GZIP: Final = b"\x1f\x8b"
_PARQUET: Final = b"PAR1"


@dataclass(frozen=True, slots=True)
class ForecastTable:
    """Column names and rows; a row comes with the number that people find it under: the line of a CSV file,
    the position from 1 in Parquet. Cells are text, numbers or None.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, Sequence[Any]]]


def forecast_table(path: Path) -> ForecastTable:
    """The table in the file at ``path``.

    Raises :class:`~registry.grid.faults.GridInvalid` for a file that cannot be read.
    """
    try:
        content = path.read_bytes()
        if content.startswith(_PARQUET):
            return _parquet(path.name, content)
        text = (gzip.decompress(content) if content.startswith(_GZIP) else content).decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as error:
        raise _unreadable(path.name, error) from None
    return ForecastTable(tuple(rows[0]) if rows else (), enumerate(rows[1:], start=2))


def _unreadable(name: str, error: Exception) -> GridInvalid:
    found, allowed = str(error).splitlines()[0], "CSV in UTF-8 (plain or gzip), or Parquet"
    return GridInvalid("forecast", [Fault("unreadable_file", name, found, allowed)])


def _parquet(name: str, content: bytes) -> ForecastTable:
    import pyarrow.parquet  # takes longer to load than most commands to run

    try:
        table = pyarrow.parquet.read_table(pyarrow.BufferReader(content))
    except (pyarrow.ArrowException, OSError) as error:
        raise _unreadable(name, error) from None
    columns = [[_plain(value) for value in column.to_pylist()] for column in table.columns]
    return ForecastTable(tuple(table.column_names), enumerate(zip(*columns, strict=True), start=1))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
