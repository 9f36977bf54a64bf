"""Many rows into one table, handed to the driver as they are: what SQLAlchemy does for each value of each row
takes longer than the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import JSON, Connection, Dialect, Table, insert

Row = Mapping[str, Any]
_Statement = tuple[str, Callable[[Row], Any]]
_PREPARED: dict[tuple[str, str], _Statement] = {}
"""By dialect and table."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that have a value for every column of a table."""
    place = (connection.dialect.name, table.name)
    if place not in _PREPARED:
        _PREPARED[place] = _prepared(connection.dialect, table)
    statement, parameters = _PREPARED[place]
    connection.exec_driver_sql(statement, [parameters(row) for row in rows])


def _prepared(dialect: Dialect, table: Table) -> _Statement:
    """The statement, and a row as the driver takes it. Only documents need the dialect's conversion: numbers,
    text, bytes and booleans are the drivers' own.
    """
    compiled: Any = insert(table).inline().compile(dialect=dialect)
    documents: dict[str, Any] = {
        column.name: column.type.dialect_impl(dialect).bind_processor(dialect)
        for column in table.columns
        if isinstance(column.type, JSON)
    }
    pick: Callable[[Row], Any] = itemgetter(*compiled.positiontup) if compiled.positional else dict
    if not documents:
        return str(compiled), pick
    return str(compiled), lambda row: pick(
        {**row, **{name: convert(row[name]) for name, convert in documents.items()}}
    )
