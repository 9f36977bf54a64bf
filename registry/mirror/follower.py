"""Follows the chain: applies new blocks in order, undoes those the chain gave up (MIR-1).

Rows, blocks and position change in one database transaction, so a follower that dies anywhere goes on where
it was.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from registry.mirror.changes import Changes
from registry.mirror.database import Database
from registry.mirror.projections import project
from registry.mirror.projections.ahead import read_ahead
from registry.mirror.tables import TABLES, VERSIONS, Block, Fact, Position, table_of
from registry.ports import BlockRef, ContractsChangedBeyond, Ledger, RecordedBlock

WRITER_LOCK = 0x464C4D
"""Names the mirror's writers among a PostgreSQL server's advisory locks."""
_FIRST_REACH, _FARTHEST_REACH = 16, 2_000
"""Blocks per transaction, at first and at most: as many as hold some ten thousand events, so that a rebuild
takes no more memory than following does.
"""
_EVENTS = 10_000
_NEAR = 4
"""So many blocks from the head each is a transaction of its own: who asks for the newest facts does not wait
for the block after them. Farther off a shared transaction is what catches up.
"""
_POSITION_ID = 1


class Follower:
    """Keeps one database level with one ledger. Many may run on one database: each transaction checks where
    the others got to.
    """

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger
        self._lock = threading.Lock()
        self._reach = _FIRST_REACH

    def position(self) -> BlockRef | None:
        """The last block applied."""
        with self._database.reading() as connection:
            return _position(connection)

    def catch_up(self) -> BlockRef | None:
        """Apply all that is new; returns the position.

        1. see how far the chain is, and what to read next: one block near its head, many far from it;
        2. if the chain gave up the block of the position, go back to the last common block;
        3. read; if the chain moved meanwhile, start over;
        4. apply.

        Raises :class:`~registry.ports.ContractsChangedBeyond` once all blocks before such a change are
        applied (CON-1).
        """
        with self._lock:
            known_until = None
            while True:
                # 1. how far
                head = self._ledger.head()
                position = self.position()
                if position is not None and position.hash == head.hash:
                    return position
                start = self._ledger.first_block if position is None else position.number + 1
                end = self._end(start, head.number, known_until)
                try:
                    before = head if end >= head.number else self._ledger.block(end)
                    # 2. go back
                    if position is not None and not self._is_on_chain(position):
                        self._go_back(position)
                        continue
                    if head.number < start:
                        return position
                    # 3. read
                    blocks = self._ledger.recorded(start, end)
                    after = self._ledger.block(end)
                except LookupError:
                    continue
                except ContractsChangedBeyond as beyond:
                    # Up to there the rules are known.
                    if beyond.block == start:
                        raise
                    known_until = beyond.block - 1
                    continue
                if before != after:
                    continue
                # 4. apply
                self._apply(position, blocks, after)
                self._reach = _next_reach(self._reach, sum(len(block.events) for block in blocks))

    def drop(self) -> None:
        """Delete all rows."""
        with self._lock, self._database.writing(WRITER_LOCK) as connection:
            for table in TABLES.values():
                connection.execute(delete(table))

    def _end(self, start: int, head: int, known_until: int | None) -> int:
        """The last block of the next transaction."""
        end = start if head - start < _NEAR else min(head, start + self._reach - 1)
        return end if known_until is None or known_until < start else min(end, known_until)

    def _apply(self, position: BlockRef | None, blocks: Sequence[RecordedBlock], last: BlockRef) -> None:
        with self._database.writing(WRITER_LOCK) as connection:
            if _position(connection) != position:
                return  # another follower was here; look again
            changes = Changes(connection)
            read_ahead(changes, (recorded.event for block in blocks for recorded in block.events))
            for block in blocks:
                changes.start_block(block.ref)
                for recorded in block.events:
                    project(changes, recorded)
            changes.flush()
            _move(connection, last)

    def _go_back(self, position: BlockRef) -> None:
        ancestor = self._ancestor(position)
        with self._database.writing(WRITER_LOCK) as connection:
            if _position(connection) == position:
                _undo(connection, -1 if ancestor is None else ancestor.number)
                _move(connection, ancestor)

    def _ancestor(self, position: BlockRef) -> BlockRef | None:
        """The newest known block that is still on the chain. Blocks without facts are not kept: there is
        nothing to undo in them.
        """
        block = table_of(Block)
        known = select(block).where(block.c.number < position.number).order_by(block.c.number.desc())
        with self._database.reading() as connection:
            for row in connection.execute(known).mappings():
                ref = BlockRef(row["number"], bytes(row["hash"]), row["time"])
                if self._is_on_chain(ref):
                    return ref
        return None

    def _is_on_chain(self, ref: BlockRef) -> bool:
        try:
            return self._ledger.block(ref.number).hash == ref.hash
        except LookupError:
            return False


def _next_reach(reach: int, events: int) -> int:
    if events > _EVENTS:
        return max(1, reach // 2)
    return min(_FARTHEST_REACH, 2 * reach) if 4 * events < _EVENTS else reach


def _undo(connection: Connection, block: int) -> None:
    """Forget all facts after ``block``: their versions go, the versions they ended hold again."""
    for model in VERSIONS:
        table = table_of(model)
        connection.execute(delete(table).where(table.c.block > block))
        connection.execute(update(table).where(table.c.until_block > block).values(until_block=None))
    fact, blocks = table_of(Fact), table_of(Block)
    connection.execute(delete(fact).where(fact.c.block > block))
    connection.execute(delete(blocks).where(blocks.c.number > block))


def _position(connection: Connection) -> BlockRef | None:
    row: Any = connection.execute(select(table_of(Position))).mappings().one_or_none()
    return None if row is None else BlockRef(row["number"], bytes(row["hash"]), row["time"])


def _move(connection: Connection, ref: BlockRef | None) -> None:
    table = table_of(Position)
    connection.execute(delete(table))
    if ref is not None:
        row = {"id": _POSITION_ID, "number": ref.number, "hash": ref.hash, "time": ref.time}
        connection.execute(insert(table), row)
