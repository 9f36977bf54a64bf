"""Devices, checkpoints, settlement statements (DEV-1, LOG-2, STT-4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import select

from registry.domain.events import DeviceBound, DeviceEnded
from registry.mirror.keys import key, size_part
from registry.mirror.queries.reader import Reader, Row, base, columns, equal, instant, provenance
from registry.mirror.tables import (
    AttestationRow,
    Block,
    Checkpoint,
    Device,
    DisputeRow,
    Fact,
    Statement,
    table_of,
)
from registry.ports import PAGE, DeviceKey
from registry.views import Attestation, CheckpointView, DeviceView, Dispute, StatementView

_ASKED_AT_ONCE = 500


class RecordReader(Reader):
    """Implements the first part of :class:`registry.ports.RecordQueries`."""

    def device_of_key(self, key_id: bytes, *, as_of: datetime | None = None) -> DeviceView | None:
        """A device by its key id."""
        row = self._row(Device, key_id.hex(), as_of)
        return None if row is None else _device(row)

    def device_keys(self, key_ids: Sequence[bytes] | None = None) -> Iterator[DeviceKey]:
        """The keys of these ids, or all, as they stand now; in no order."""
        table = table_of(Device)
        names = ("key_id", "pod_id", "public_key", "valid_from", "valid_until")
        query = select(*(table.c[name] for name in names)).where(table.c.until_block.is_(None))
        parts: list[list[str] | None] = [None]
        if key_ids is not None:
            keys = [key_id.hex() for key_id in key_ids]
            parts = [keys[at : at + _ASKED_AT_ONCE] for at in range(0, len(keys), _ASKED_AT_ONCE)]
        for part in parts:
            with self._database.reading() as connection:
                wanted = query if part is None else query.where(table.c.key.in_(part))
                for kid, pod_id, point, since, until in connection.execute(wanted):
                    yield DeviceKey(bytes(kid), bytes(pod_id), bytes(point), since, until)

    def last_block(self) -> tuple[int, bytes] | None:
        """Number and hash of the last block that holds facts."""
        block = table_of(Block)
        with self._database.reading() as connection:
            row = connection.execute(
                select(block.c.number, block.c.hash).order_by(block.c.number.desc()).limit(1)
            ).first()
        return None if row is None else (row[0], bytes(row[1]))

    def device_keys_since(self, block: tuple[int, bytes] | None) -> list[bytes] | None:
        """Ids of keys that were bound or ended after a block with facts; ``None`` if that block is gone."""
        blocks, facts, devices = table_of(Block), table_of(Fact), table_of(Device)
        number, hash_ = block or (-1, b"")
        with self._database.reading() as connection:
            if block is not None:
                found = connection.execute(select(blocks.c.hash).where(blocks.c.number == number)).scalar()
                if found is None or bytes(found) != hash_:
                    return None
            # Most blocks say nothing of devices, and the facts of a block are found by their key.
            events = [DeviceBound.__name__, DeviceEnded.__name__]
            said = select(facts.c.block).where(facts.c.block > number, facts.c.event.in_(events)).limit(1)
            if connection.execute(said).first() is None:
                return []
            changed = select(devices.c.key_id).where(devices.c.block > number)
            return [bytes(kid) for (kid,) in connection.execute(changed)]

    def devices(
        self,
        *,
        pod_id: bytes | None = None,
        dso: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[DeviceView]:
        """Devices by key id."""
        wanted = equal(table_of(Device), pod_id=pod_id, dso=dso)
        return [_device(row) for row in self._rows(Device, *wanted, as_of=as_of, after=after, limit=limit)]

    def checkpoints(
        self,
        *,
        log_id: bytes | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[CheckpointView]:
        """Anchored checkpoints by log and size."""
        wanted = equal(table_of(Checkpoint), log_id=log_id)
        return [
            _checkpoint(row) for row in self._rows(Checkpoint, *wanted, as_of=as_of, after=after, limit=limit)
        ]

    def checkpoint_covering(self, log_id: bytes, size: int) -> CheckpointView | None:
        """The first anchored checkpoint of the log with at least ``size`` entries."""
        table = table_of(Checkpoint)
        enough = table.c.key >= key(log_id.hex(), size_part(size))
        rows = self._rows(Checkpoint, table.c.log_id == log_id, enough, as_of=None, limit=1)
        return _checkpoint(rows[0]) if rows else None

    def statement(self, statement_id: bytes, *, as_of: datetime | None = None) -> StatementView | None:
        """A settlement statement with its dispute and attestations."""
        row = self._row(Statement, statement_id.hex(), as_of)
        return None if row is None else self._statements([row], as_of)[0]

    def statements(
        self,
        *,
        operator: int | None = None,
        bsp: int | None = None,
        aggregate: int | None = None,
        product: int | None = None,
        day: int | None = None,
        in_force: bool = False,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[StatementView]:
        """Settlement statements; with ``in_force`` only those that none supersedes."""
        table = table_of(Statement)
        wanted = [
            *equal(table, operator=operator, bsp=bsp, aggregate=aggregate, product=product, day=day),
            *([table.c.superseded_by.is_(None)] if in_force else []),
        ]
        return self._statements(self._rows(Statement, *wanted, as_of=as_of, after=after, limit=limit), as_of)

    def _statements(self, rows: list[Row], as_of: datetime | None) -> list[StatementView]:
        ids = [row["statement_id"] for row in rows]
        dispute, attestation = table_of(DisputeRow), table_of(AttestationRow)
        disputes = {
            bytes(row["statement_id"]): Dispute(row["bsp"], bytes(row["reason_hash"]), provenance(row))
            for row in self._rows(DisputeRow, dispute.c.statement_id.in_(ids), as_of=as_of)
        }
        attestations: defaultdict[bytes, list[Attestation]] = defaultdict(list)
        for row in self._rows(AttestationRow, attestation.c.statement_id.in_(ids), as_of=as_of):
            said = Attestation(row["auditor"], row["confirmed"], bytes(row["bundle_hash"]), provenance(row))
            attestations[bytes(row["statement_id"])].append(said)
        same = ("statement_id", "operator", "aggregate", "product", "day", "commitment", "supersedes")
        return [
            StatementView(
                **base(row),
                **columns(row, *same, "superseded_by"),
                disputable_until=instant(row["disputable_until"]),
                dispute=disputes.get(bytes(row["statement_id"])),
                attestations=tuple(attestations[bytes(row["statement_id"])]),
            )
            for row in rows
        ]


def _device(row: Row) -> DeviceView:
    return DeviceView(
        **base(row),
        **columns(row, "key_id", "pod_id", "dso", "public_key", "end_reason"),
        valid_from=instant(row["valid_from"]),
        valid_until=instant(row["valid_until"]),
    )


def _checkpoint(row: Row) -> CheckpointView:
    return CheckpointView(**base(row), **columns(row, "log_id", "node", "size", "root", "witnesses"))
