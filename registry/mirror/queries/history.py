"""The life of every object, and counts that anyone may see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, func, or_, select

from registry.domain.enums import Market, PartyKind, QualificationState, Scope, StaticLight
from registry.mirror.queries.reader import Reader, provenance
from registry.mirror.tables import (
    TABLES,
    VERSIONS,
    Aggregate,
    Checkpoint,
    Completion,
    Day,
    Device,
    DisputeRow,
    Equivalence,
    Party,
    Perimeter,
    Pod,
    Position,
    ProductRow,
    Qualification,
    Selection,
    Statement,
    table_of,
)
from registry.ports import PAGE
from registry.views import HistoryEntry, Statistics

_TYPES = {table_of(model).name: model for model in VERSIONS}
_VERSION_COLUMNS = {"block", "log_index", "until_block"}
_NO_CELLS = bytes(64)


class HistoryReader(Reader):
    """Implements the second part of :class:`registry.ports.RecordQueries`."""

    def history(
        self, object_type: str, object_id: str, *, after: str | None = None, limit: int = PAGE
    ) -> list[HistoryEntry]:
        """The life of an object (or of all objects below a key), oldest first; ``after`` is the last entry's
        key.

        Raises:
            LookupError: no such type of object.
        """
        model = _TYPES.get(object_type)
        if model is None:
            raise LookupError(f"no objects of type {object_type!r}; there are {', '.join(sorted(_TYPES))}")
        table = table_of(model)
        below = and_(table.c.key > f"{object_id}.", table.c.key < f"{object_id}/")
        query = self.joined(model).where(or_(table.c.key == object_id, below))
        if after is not None:
            block, log_index, key = after.split(":", 2)
            place = (int(block), int(log_index), key)
            query = query.where(or_(*_beyond((table.c.block, table.c.log_index, table.c.key), place)))
        query = query.order_by(table.c.block, table.c.log_index, table.c.key).limit(limit)
        with self._database.reading() as connection:
            return [
                HistoryEntry(
                    key=f"{row['block']}:{row['log_index']}:{row['key']}",
                    object_type=object_type,
                    object_id=row["key"],
                    state={
                        column.name: _json(row[column.name])
                        for column in table.c
                        if column.name not in _VERSION_COLUMNS
                    },
                    recorded=provenance(row),
                )
                for row in connection.execute(query).mappings()
            ]

    def statistics(self) -> Statistics:
        """Counts of what holds now."""
        pod, completion = table_of(Pod), table_of(Completion)
        later = pod.alias("later")
        last_version = ~(
            select(later.c.key)
            .where(
                later.c.pod_id == pod.c.pod_id,
                later.c.from_day > pod.c.from_day,
                later.c.until_block.is_(None),
            )
            .exists()
        )
        active = and_(last_version, pod.c.withdrawn.is_(False))
        with self._database.reading() as connection:

            def count(model: Any, *conditions: Any) -> int:
                table = table_of(model)
                query = select(func.count()).where(table.c.until_block.is_(None), *conditions)
                return int(connection.execute(query).scalar_one())

            def counts(model: Any, column: str, enum: Any, *conditions: Any) -> dict[Any, int]:
                table = table_of(model)
                query = (
                    select(table.c[column], func.count())
                    .where(table.c.until_block.is_(None), *conditions)
                    .group_by(table.c[column])
                    .order_by(table.c[column])
                )
                return {enum(value): number for value, number in connection.execute(query)}

            number = connection.execute(select(table_of(Position).c.number)).scalar()
            lights = counts(Pod, "light", StaticLight, active)
            return Statistics(
                as_of_block=0 if number is None else number,
                parties=counts(Party, "kind", PartyKind),
                pods=sum(lights.values()),
                pods_by_light=lights,
                perimeters=count(Perimeter, table_of(Perimeter).c.until_day.is_(None)),
                aggregates=counts(Aggregate, "scope", Scope),
                products=count(ProductRow),
                qualifications=counts(Qualification, "state", QualificationState),
                equivalences=count(Equivalence, table_of(Equivalence).c.holds),
                scheduled_days=count(Day),
                selections=counts(Selection, "market", Market),
                shortfalls=count(Completion, completion.c.shortfall != _NO_CELLS),
                devices=count(Device),
                checkpoints=count(Checkpoint),
                statements=count(Statement),
                disputes=count(DisputeRow),
            )

    def dump(self) -> Iterator[tuple[str, tuple[object, ...]]]:
        """All rows as (table, values), by table and primary key."""
        with self._database.reading() as connection:
            for name, table in TABLES.items():
                for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
                    yield (
                        name,
                        tuple(bytes(value) if isinstance(value, memoryview) else value for value in row),
                    )


def _beyond(columns: tuple[Any, ...], place: tuple[Any, ...]) -> list[Any]:
    """Conditions that a row comes after a place in the order of these columns."""
    return [
        and_(
            *(column == value for column, value in zip(columns[:last], place[:last], strict=True)),
            columns[last] > place[last],
        )
        for last in range(len(columns))
    ]


def _json(value: Any) -> Any:
    return "0x" + bytes(value).hex() if isinstance(value, bytes | memoryview) else value
