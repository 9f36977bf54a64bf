"""What all queries share: which versions are seen, pages, provenance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from registry.mirror.database import Database
from registry.mirror.tables import Block, Fact, Version, table_of
from registry.views import Provenance

Row = Any
"""A result row's mapping from column names to values."""
_FACT = table_of(Fact)
_BLOCK = table_of(Block)
_PROVENANCE = ("tx_hash", "sender", "actor", "event")


class Reader:
    """Base of the query classes: one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _rows(
        self,
        model: type[Version],
        *conditions: ColumnElement[bool],
        as_of: datetime | None,
        after: str | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        """Versions seen at ``as_of`` that meet the conditions, by key, with their provenance."""
        table = table_of(model)
        with self._database.reading() as connection:
            query = (
                self.joined(model).where(seen(connection, table, as_of), *conditions).order_by(table.c.key)
            )
            if after is not None:
                query = query.where(table.c.key > after)
            return list(connection.execute(query.limit(limit)).mappings())

    def _row(self, model: type[Version], key: str, as_of: datetime | None) -> Row | None:
        rows = self._rows(model, table_of(model).c.key == key, as_of=as_of)
        return rows[0] if rows else None

    @staticmethod
    def joined(model: type[Version]) -> Select[Any]:
        """All versions with the facts and blocks they come from."""
        table = table_of(model)
        at = and_(_FACT.c.block == table.c.block, _FACT.c.log_index == table.c.log_index)
        columns = [_FACT.c[name].label(f"fact_{name}") for name in _PROVENANCE]
        return (
            select(table, *columns, _BLOCK.c.time.label("fact_time"))
            .join_from(table, _FACT, at)
            .join(_BLOCK, _BLOCK.c.number == table.c.block)
        )


def seen(connection: Connection, table: Any, as_of: datetime | None) -> ColumnElement[bool]:
    """The versions that held at ``as_of``: recorded until then, and not replaced by then."""
    if as_of is None:
        condition: ColumnElement[bool] = table.c.until_block.is_(None)
        return condition
    newest = select(func.max(_BLOCK.c.number)).where(_BLOCK.c.time <= int(as_of.timestamp()))
    block = connection.execute(newest).scalar()
    block = -1 if block is None else block
    return and_(table.c.block <= block, or_(table.c.until_block.is_(None), table.c.until_block > block))


def equal(table: Any, **wanted: Any) -> Sequence[ColumnElement[bool]]:
    """Conditions that columns have these values; those that are None are not asked for."""
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def on_day(table: Any, day: int | None) -> Sequence[ColumnElement[bool]]:
    """Conditions that [from_day, until_day) holds the day; none for None."""
    if day is None:
        return []
    return [table.c.from_day <= day, or_(table.c.until_day.is_(None), table.c.until_day > day)]


def provenance(row: Row) -> Provenance:
    """Where a row comes from."""
    return Provenance(
        block_number=row["block"],
        block_time=instant(row["fact_time"]),
        log_index=row["log_index"],
        tx_hash=bytes(row["fact_tx_hash"]),
        sender=row["fact_sender"],
        actor=row["fact_actor"],
        event=row["fact_event"],
    )


def base(row: Row) -> dict[str, Any]:
    """The fields that every view has."""
    return {"key": row["key"], "recorded": provenance(row)}


def columns(row: Row, *names: str) -> dict[str, Any]:
    """Columns as fields of the same names; bytes as bytes."""
    return {name: bytes(row[name]) if isinstance(row[name], memoryview) else row[name] for name in names}


def instant(seconds: int) -> datetime:
    """Unix seconds as an aware UTC time."""
    return datetime.fromtimestamp(seconds, UTC)
