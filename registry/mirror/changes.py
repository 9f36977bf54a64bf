"""The unit of work of the follower: versions read, closed and added within one database transaction."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from registry.domain.events import Event, Recorded
from registry.mirror.bulk import insert_rows
from registry.mirror.keys import place_part
from registry.mirror.tables import Block, Fact, Version, table_of
from registry.ports import BlockRef

Row = dict[str, Any]
_CHUNK = 500
"""Objects per query."""
_BIGGEST_PART = "/"
"""The character after the dot: the upper end of all keys below a prefix."""


class Changes:
    """Gathers new versions and writes them together. What was put is seen by every later read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._current: dict[tuple[str, str], Row | None] = {}
        self._latest: dict[tuple[str, str], str] = {}
        self._below: set[tuple[str, str]] = set()
        self._answers: dict[str, dict[Hashable, Any]] = {}
        self._closed: dict[str, list[Row]] = {}
        self._added: dict[str, dict[str, list[Row]]] = {}
        self._tables: dict[str, Any] = {}
        self._block = 0
        self._log_index = 0

    def start_block(self, ref: BlockRef) -> None:
        """All that follows belongs to this block."""
        self._block = ref.number
        row = {"number": ref.number, "hash": ref.hash, "time": ref.time}
        self._connection.execute(insert(table_of(Block)), row)

    def start_fact(self, recorded: Recorded[Event], actor: int) -> None:
        """All that follows comes of this event, sent by this party's key."""
        self._log_index = recorded.log_index
        row = {
            "block": recorded.block_number,
            "log_index": recorded.log_index,
            "tx_hash": recorded.tx_hash,
            "sender": recorded.sender,
            "actor": actor,
            "contract": recorded.contract,
            "event": type(recorded.event).__name__,
        }
        self._add(table_of(Fact), "", row)

    @property
    def place(self) -> str:
        """The present fact's place, as a part of a key."""
        return place_part(self._block, self._log_index)

    def get(self, model: type[Version], key: str) -> Row | None:
        """The version of an object that holds now."""
        table = table_of(model)
        place = (table.name, key)
        if place not in self._current and (table.name, key.rpartition(".")[0]) in self._below:
            return None
        if place not in self._current:
            query = select(table).where(table.c.key == key, table.c.until_block.is_(None))
            found = self._connection.execute(query).mappings().one_or_none()
            self._current[place] = None if found is None else dict(found)
        return self._current[place]

    def need(self, model: type[Version], key: str) -> Row:
        """As :meth:`get`, for an object that the contracts guarantee. Raises :class:`LookupError` if it is
        not there.
        """
        row = self.get(model, key)
        if row is None:
            raise LookupError(
                f"the chain names {table_of(model).name} {key}, of which the mirror knows nothing"
            )
        return row

    def latest(self, model: type[Version], prefix: str) -> Row | None:
        """The object with the greatest key of one part below ``prefix``."""
        table = table_of(model)
        known = self._latest.get((table.name, prefix))
        if known is None and (table.name, prefix) in self._below:
            return None
        if known is None:
            query = (
                select(table)
                .where(
                    table.c.key > f"{prefix}.",
                    table.c.key < f"{prefix}{_BIGGEST_PART}",
                    table.c.until_block.is_(None),
                )
                .order_by(table.c.key.desc())
                .limit(1)
            )
            found = self._connection.execute(query).mappings().one_or_none()
            if found is None:
                return None
            known = str(found["key"])
            self._latest[table.name, prefix] = known
            self._current.setdefault((table.name, known), dict(found))
        return self.get(model, known)

    def expect(self, model: type[Version], keys: Iterable[str]) -> None:
        """Read the versions that hold now of many objects together."""
        table = table_of(model)
        wanted = [key for key in dict.fromkeys(keys) if (table.name, key) not in self._current]
        for some in _chunks(wanted):
            found = self._holding(table, table.c.key.in_(some))
            self._current |= {(table.name, key): found.get(key) for key in some}

    def expect_below(
        self, model: type[Version], column: str, prefixes: Mapping[bytes, Iterable[str]]
    ) -> None:
        """As :meth:`expect` for all objects whose keys begin with some prefixes, which have a value of
        ``column`` in common: prefixes by that value.
        """
        table = table_of(model)
        for some in _chunks(list(prefixes)):
            for key, row in self._holding(table, table.c[column].in_(some)).items():
                self._current.setdefault((table.name, key), row)
                above = (table.name, key.rpartition(".")[0])
                self._latest[above] = max(key, self._latest.get(above, ""))
            self._below |= {(table.name, prefix) for value in some for prefix in prefixes[value]}

    def once(self, model: type[Version], question: Hashable, ask: Callable[[], Any]) -> Any:
        """The answer to a question about one table, asked again only after something was put there."""
        answers = self._answers.setdefault(table_of(model).name, {})
        if question not in answers:
            answers[question] = ask()
        return answers[question]

    def _holding(self, table: Any, condition: Any) -> dict[str, Row]:
        query = select(table).where(condition, table.c.until_block.is_(None))
        return {row["key"]: dict(row) for row in self._connection.execute(query).mappings()}

    def put(self, model: type[Version], key: str, values: Row) -> None:
        """From here on the object is ``values`` (all columns but those of the version itself)."""
        table = table_of(model)
        self._answers.pop(table.name, None)
        row: Row = {
            **values,
            "key": key,
            "block": self._block,
            "log_index": self._log_index,
            "until_block": None,
        }
        old = self.get(model, key)
        if old is not None:
            self._close(table, key, old)
        self._add(table, key, row)
        self._current[table.name, key] = row
        prefix = key.rpartition(".")[0]
        if prefix:
            self._latest[table.name, prefix] = max(key, self._latest.get((table.name, prefix), ""))

    def amend(self, model: type[Version], key: str, **changes: Any) -> None:
        """As :meth:`put`, with some columns of the present version changed."""
        self.put(model, key, {**self.need(model, key), **changes})

    def scalar(self, model: type[Version], query: Any) -> Any:
        """One value of a query on one table that sees all that was put there."""
        name = table_of(model).name
        if name in self._added or name in self._closed:
            self.flush()
        return self._connection.execute(query).scalar()

    def flush(self) -> None:
        """Write what was gathered."""
        for name, rows in self._closed.items():
            table = self._tables[name]
            closing = (
                update(table)
                .where(table.c.key == bindparam("closed_key"), table.c.until_block.is_(None))
                .values(until_block=bindparam("closed_at"))
            )
            self._connection.execute(closing, rows)
        for name, by_key in self._added.items():
            added = [row for rows in by_key.values() for row in rows]
            insert_rows(self._connection, self._tables[name], added)
        self._closed.clear()
        self._added.clear()

    def _close(self, table: Any, key: str, old: Row) -> None:
        pending = self._added.get(table.name, {}).get(key, [])
        if pending and pending[-1] is old:
            if (old["block"], old["log_index"]) == (self._block, self._log_index):
                pending.pop()  # the same fact says more: one version
            else:
                old["until_block"] = self._block
        else:
            self._tables[table.name] = table
            self._closed.setdefault(table.name, []).append({"closed_key": key, "closed_at": self._block})

    def _add(self, table: Any, key: str, row: Row) -> None:
        self._tables[table.name] = table
        self._added.setdefault(table.name, {}).setdefault(key, []).append(row)


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))


Projection = Callable[[Changes, Any, int], None]
"""Applies an event of one kind; the last argument is the block's time in Unix seconds."""
