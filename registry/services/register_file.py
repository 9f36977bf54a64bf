"""A BSP registers a whole file of PODs: checked from end to end before the first is sent, resumed after any
interruption (POD-4).

What is done is read from the ledger, never from a note of one's own: a row whose POD is registered as the row
says is done. All that is kept beside the file is that it was found without fault.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from registry.domain.commands import Command, RegisterPods
from registry.domain.errors import InputInvalid, RuleViolation
from registry.domain.pods import Registration
from registry.ports import PodSecret, Sender, Sent, Signer
from registry.services.check_pod_file import READ, Fault, PodFile, Progress, check, known_of, measured
from registry.services.pod_files import PodRow, read_pods
from registry.services.recorder import Recorder
from registry.services.register_pods import (
    PodApplication,
    RowError,
    registered_already,
    registration_of,
    secret_of,
)
from registry.views import PodView

BATCH: Final = 94
"""PODs of a transaction, at 31,500 gas each: ten such fill a block of 30 million. The limit of the last, five
percent more than it costs, must fit into what the nine before it leave.
"""


@dataclass(slots=True)
class FileRegistered:
    """What became of a file's rows.

    Attributes:
        registered: registered now.
        before: registered by an earlier call that was interrupted.
        refused: refused by the ledger after the file was checked, each told as a fault.
        transactions: batches that were recorded now.
    """

    registered: int = 0
    before: int = 0
    refused: int = 0
    transactions: int = 0


@dataclass(slots=True)
class _Batch:
    """Rows of one transaction. ``fresh``: the vault knew nothing of the POD; the others' payload is put once
    the ledger has it.
    """

    rows: list[tuple[int, PodApplication]] = field(default_factory=list)
    secrets: list[PodSecret] = field(default_factory=list)
    fresh: list[bool] = field(default_factory=list)


def register_file(
    recorder: Recorder,
    bsp: int,
    signer: Signer,
    path: Path,
    folder: Path,
    fault: Fault,
    progress: Progress = lambda what, done, lines: None,
    final_after: int = 0,
) -> FileRegistered:
    """Register the PODs of a file in batches that are atomic.

    1. Every row is checked, alone, against the others and against the register; one fault, and nothing is
    sent. A file that was checked before and interrupted is not checked again.
    2. What an interrupted call left under way is brought to its end.
    3. Rows that are not registered yet go to vault and ledger, in the order of the file.
    4. A batch that the ledger refuses (the register moved since 1) goes again row by row.

    Args:
        folder: where the sender's journal and the note of a checked file are kept.
        fault: told of each row at fault, in 1 and 4.
        final_after: blocks that must follow a transaction's.

    Raises:
        InputInvalid: POD-4, a file without rows.
        FileInvalid: POD-4, after all faults were told.
        RuleViolation: ACT-1, the BSP may not write; call again once it may.
        OperationalError: see :mod:`registry.ports.failures`; call again once the cause is gone.
    """
    file = measured(path)
    note = folder / f"pods-{bsp}-{file.digest[:32]}.json"
    # 1. check
    if not note.exists():
        check(recorder, file, fault, progress)
        _keep(note, file)
    sender = recorder.ledger.sender(signer, folder, final_after)
    try:
        # 2. settle
        sender.settle()
        recorder.mirror.catch_up()
        # 3. and 4. send
        result = _Sending(recorder, bsp, sender, file, fault, progress).run()
    finally:
        sender.close()
    if not result.refused:
        note.unlink()
    return result


class _Sending:
    """One pass through a checked file."""

    def __init__(
        self,
        recorder: Recorder,
        bsp: int,
        sender: Sender,
        file: PodFile,
        fault: Fault,
        progress: Progress,
    ) -> None:
        self._recorder = recorder
        self._bsp = bsp
        self._sender = sender
        self._file = file
        self._fault = fault
        self._progress = progress
        self._under_way: dict[int, _Batch] = {}
        self._given = 0
        self._result = FileRegistered()

    def run(self) -> FileRegistered:
        """Send what is missing; then one by one what was refused together."""
        refused: list[PodRow] = []
        for sent in self._sender.send(self._commands(read_pods(self._file.path), BATCH)):
            batch = self._taken(sent)
            if sent.refusal is not None:
                refused += [PodRow(number, application, ()) for number, application in batch.rows]
        self._recorder.mirror.catch_up()
        for sent in self._sender.send(self._commands(iter(refused), 1)):
            batch = self._taken(sent)
            if sent.refusal is not None:
                self._refuse(batch.rows[0][0], sent.refusal)
                self._take_back(batch)
        self._recorder.mirror.catch_up()
        return self._result

    def _commands(self, rows: Iterator[PodRow], size: int) -> Iterator[Command]:
        """The registrations of rows that are not on the ledger, their openings in the vault before."""
        self._given = 0
        waiting = _Batch()
        while part := list(islice(rows, READ)):
            for row, application, secret, fresh in self._missing(part):
                waiting.rows.append((row, application))
                waiting.secrets.append(secret)
                waiting.fresh.append(fresh)
                if len(waiting.rows) == size:
                    yield self._command(waiting)
                    waiting = _Batch()
        if waiting.rows:
            yield self._command(waiting)

    def _command(self, batch: _Batch) -> Command:
        self._under_way[self._given] = batch
        self._given += 1
        registrations: tuple[Registration, ...] = tuple(
            registration_of(application, secret)
            for (_, application), secret in zip(batch.rows, batch.secrets, strict=True)
        )
        return RegisterPods(self._bsp, registrations)

    def _missing(self, part: Sequence[PodRow]) -> list[tuple[int, PodApplication, PodSecret, bool]]:
        rows = [(row.number, _unchanged(row)) for row in part]
        kept, registered = known_of(self._recorder, [application.pod_code for _, application in rows])
        found = []
        for number, application in rows:
            before = kept.get(application.pod_code)
            view = None if before is None else registered.get(before.pod_id)
            secret = secret_of(self._bsp, application, before)
            if view is None or view.withdrawn:
                found.append((number, application, secret, view is None))
            elif self._is_this(view, application, secret):
                self._result.before += 1
                if before != secret:
                    self._recorder.vault.put_pods([secret])
            else:
                self._refuse(number, registered_already(application.pod_code))
        self._recorder.vault.put_pods([secret for _, _, secret, fresh in found if fresh])
        return found

    def _is_this(self, view: PodView, application: PodApplication, secret: PodSecret) -> bool:
        """Whether a registration is the one that the row asks for."""
        wanted = registration_of(application, secret)
        return (view.bsp, view.dso, view.payload_hash) == (self._bsp, wanted.dso, wanted.payload_hash)

    def _taken(self, sent: Sent) -> _Batch:
        batch = self._under_way.pop(sent.number)
        if sent.refusal is not None:
            if sent.refusal.rule.startswith("ACT-"):
                raise sent.refusal
            return batch
        known = [secret for secret, fresh in zip(batch.secrets, batch.fresh, strict=True) if not fresh]
        if known:
            self._recorder.vault.put_pods(known)
        self._result.registered += len(batch.rows)
        self._result.transactions += 1
        self._recorder.mirror.catch_up()
        self._tell()
        return batch

    def _refuse(self, number: int, violation: RuleViolation) -> None:
        self._result.refused += 1
        self._fault(RowError(number, violation))
        self._tell()

    def _take_back(self, batch: _Batch) -> None:
        """For what the ledger refused the vault is as it was."""
        for secret, fresh in zip(batch.secrets, batch.fresh, strict=True):
            if fresh and self._recorder.mirror.pod(secret.pod_id) is None:
                self._recorder.vault.erase_pod(secret.pod_id)

    def _tell(self) -> None:
        result = self._result
        self._progress("registered", result.registered + result.before + result.refused, self._file.lines)


def _unchanged(row: PodRow) -> PodApplication:
    if row.application is None:
        raise InputInvalid(
            rule="POD-4",
            field="file",
            found=f"a fault in row {row.number} that was not there when the file was checked",
            allowed="a file that nobody writes to",
            hint="call again with the file as it is to be",
        )
    return row.application


def _keep(note: Path, file: PodFile) -> None:
    """The note that a file was found without fault: there whole or not at all."""
    note.parent.mkdir(parents=True, exist_ok=True)
    draft = note.with_name(note.name + ".new")
    with draft.open("w", encoding="utf-8") as written:
        json.dump({"file": file.path.name, "sha256": file.digest, "lines": file.lines}, written)
        written.flush()
        os.fsync(written.fileno())
    draft.replace(note)
