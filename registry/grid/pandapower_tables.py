"""The tables of a pandapower net as ``pandapower.to_json`` writes them, read without pandapower (GRD-1).

    {"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": {
        "bus": {"_class": "DataFrame", "orient": "split",
                "_object": "{\\"columns\\": […], \\"index\\": […], \\"data\\": […]}"},
        "f_hz": 50.0, …}}

Each table is a document of its own inside a string. Results (``res_…``) and what pandapower keeps for itself
(``_…``) are not read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.grid.faults import Fault


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: ``index`` is what other tables refer to it by, ``cells`` its columns by name."""

    table: str
    index: Any
    cells: Mapping[str, Any]

    @property
    def where(self) -> str:
        """The row as faults name it."""
        name = self.cells.get("name")
        return (
            f"{self.table} {name} (index {self.index})" if name else f"{self.table} with index {self.index}"
        )

    def number(self, column: str) -> float | None:
        """The cell as a finite number, None where there is none."""
        value = self.cells.get(column)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        return float(value)

    def number_or(self, column: str, default: float) -> float:
        """The cell as a finite number, ``default`` where there is none."""
        value = self.number(column)
        return default if value is None else value

    def flag(self, column: str, *, default: bool) -> bool:
        """The cell as a yes or no, ``default`` where it is empty."""
        value = self.cells.get(column)
        return default if value is None else bool(value)

    @property
    def in_service(self) -> bool:
        """Whether the element takes part; pandapower's default is that it does."""
        return self.flag("in_service", default=True)


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables with at least one row, the net's frequency in Hz and the model of its transformers.

    ``trafo_model`` is ``t``, pandapower's own choice, unless the net's ``user_pf_options`` say ``pi``.
    """

    f_hz: float
    trafo_model: str
    rows: Mapping[str, tuple[Row, ...]]

    def of(self, table: str) -> tuple[Row, ...]:
        """The rows of ``table``, none where the net has no such table."""
        return self.rows.get(table, ())


def is_pandapower(document: Any) -> bool:
    """Whether a parsed JSON document says that it is a pandapower net."""
    return isinstance(document, dict) and document.get("_class") == "pandapowerNet"


def read_tables(document: Mapping[str, Any]) -> tuple[Tables, list[Fault]]:
    """The tables of a document for which :func:`is_pandapower` holds, and what of it cannot be read."""
    faults: list[Fault] = []
    content = document.get("_object")
    if not isinstance(content, dict):
        return Tables(50.0, "t", {}), [Fault("no_tables", "_object", repr(content)[:40], "the net's tables")]
    tables = {}
    for name, value in content.items():
        frame = isinstance(value, dict) and value.get("_class") == "DataFrame"
        if not frame or name.startswith(("_", "res_")):
            continue
        try:
            rows = _rows(name, value)
        except (KeyError, TypeError, ValueError) as error:
            faults.append(Fault("unreadable_table", name, repr(error), "a DataFrame with orient split"))
            continue
        if rows:
            tables[name] = rows
    frequency = content.get("f_hz", 50.0)
    if isinstance(frequency, bool) or not isinstance(frequency, int | float) or not frequency > 0:
        faults.append(Fault("bad_value", "f_hz", repr(frequency), "a frequency in Hz, above 0"))
        frequency = 50.0
    options = content.get("user_pf_options")
    model = options.get("trafo_model", "t") if isinstance(options, dict) else "t"
    if model not in ("t", "pi"):
        faults.append(Fault("bad_value", "user_pf_options, trafo_model", repr(model), "t or pi"))
    return Tables(float(frequency), str(model), tables), faults


def _rows(table: str, value: Mapping[str, Any]) -> tuple[Row, ...]:
    frame = value["_object"]
    if isinstance(frame, str):
        frame = json.loads(frame)
    columns = [str(column) for column in frame["columns"]]
    return tuple(
        Row(table, _plain(index), dict(zip(columns, map(_plain, cells), strict=True)))
        for index, cells in zip(frame["index"], frame["data"], strict=True)
    )


def _plain(cell: Any) -> Any:
    """Coordinates and the like as text: no cell that is read here is a list or a mapping."""
    return json.dumps(cell) if isinstance(cell, list | dict) else cell
