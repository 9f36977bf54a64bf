"""A witness: cosigns a log's checkpoints as long as each continues the one before (LOG-2).

What a witness has cosigned once binds it for ever: of two checkpoints it cosigned, one is a prefix of the
other. So a log that shows different trees to different people cannot have both cosigned by the same witness.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.domain.errors import InputInvalid, RuleViolation
from registry.evidence.checkpoints import Checkpoint, NoteKey, open_checkpoint, read_checkpoint
from registry.evidence.cosignatures import WitnessKey, cosign
from registry.evidence.merkle import EMPTY_ROOT, verify_consistency
from registry.evidence.witnessing import AddCheckpoint
from registry.log.failures import disk_failures
from registry.log.files import sync_folders, write_durably
from registry.ports import Clock, DatabaseCorrupted


class LogUnknown(RuleViolation):
    """The witness watches no log of this origin."""


class NoteUntrusted(RuleViolation):
    """No key of the log signed the checkpoint."""


class SizeDiffers(RuleViolation):
    """The proof does not start where the witness stands.

    Attributes:
        known_size: the size it cosigned last, 0 if none.
    """

    def __init__(self, *, found: int, known_size: int) -> None:
        self.known_size = known_size
        super().__init__(rule="LOG-2", field="old size", found=found, allowed=known_size)


class LogForked(RuleViolation):
    """The log signed two roots for one size."""


class ProofInvalid(RuleViolation):
    """The checkpoint does not continue the one the witness cosigned last, as far as the proof shows."""


class Witness:
    """One witness with its memory in one folder. Threads and processes may share the folder.

    Per log the folder holds ``<SHA-256 of the origin>.checkpoint``, the note cosigned last, and where a log
    signed two roots for one size ``….forked``, the other note: the two together convict it. A witness that
    lost this folder has to take a new key.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        private_key: Ed25519PrivateKey,
        logs: Iterable[NoteKey],
        clock: Clock,
    ) -> None:
        """``logs`` are the keys of the logs it watches; a log may have several while it changes its key."""
        self.key = WitnessKey(name, private_key.public_key().public_bytes_raw())
        self._folder = folder
        self._private_key = private_key
        self._clock = clock
        self._logs: dict[str, list[NoteKey]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)

    def add_checkpoint(self, request: AddCheckpoint) -> bytes:
        """Cosign a checkpoint; returns the signature line to put under it.

        1. The log is one of those it watches, and signed the note.
        2. The proof starts at the size it cosigned last, which the checkpoint does not fall behind.
        3. The checkpoint continues that one: the same root at the same size, else a consistency proof.
        4. The checkpoint is durable as the last one cosigned.
        5. Only then is it cosigned.

        Raises RuleViolation (LOG-2), each naming what was found and what is allowed: :class:`LogUnknown`,
        :class:`NoteUntrusted`, :class:`InputInvalid` for a checkpoint smaller than the old size,
        :class:`SizeDiffers`, :class:`LogForked`, :class:`ProofInvalid`. Raises
        :class:`~registry.ports.DiskFull` and :class:`~registry.ports.DatabaseCorrupted`.
        """
        # 1. the log
        checkpoint = self._authentic(request.note)
        if checkpoint.size < request.old_size:
            raise InputInvalid(
                rule="LOG-2", field="size", found=checkpoint.size, allowed=f"{request.old_size} or more"
            )
        memory = self._folder / f"{sha256(checkpoint.origin.encode()).hexdigest()}.checkpoint"
        with disk_failures(memory), self._alone(memory):
            # 2. where it stands
            last = self._last(memory, checkpoint.origin)
            if request.old_size != last.size:
                raise SizeDiffers(found=request.old_size, known_size=last.size)
            # 3. continues it
            if checkpoint.size == last.size and checkpoint.root != last.root:
                self._convict(memory, request.note)
                raise LogForked(
                    rule="LOG-2",
                    field=f"root at size {last.size}",
                    found=checkpoint.root.hex(),
                    allowed=last.root.hex(),
                )
            _check_proof(last, checkpoint, request.proof)
            # 4. durable; also when nothing changed, for an earlier attempt may have ended before the sync
            self._keep(memory, request.note)
            # 5. cosigned
            at = int(self._clock.now().timestamp())
            return cosign(checkpoint, self.key.name, self._private_key, at).line().encode()

    def last(self, origin: str) -> Checkpoint:
        """The checkpoint of a log that it cosigned last; the empty tree if none."""
        return self._last(self._folder / f"{sha256(origin.encode()).hexdigest()}.checkpoint", origin)

    def _authentic(self, note: bytes) -> Checkpoint:
        try:
            origin = read_checkpoint(note).origin
        except RuleViolation as violation:
            raise InputInvalid(
                rule="LOG-2", field=violation.field, found=violation.found, allowed=violation.allowed
            ) from violation
        keys = self._logs.get(origin)
        if keys is None:
            watched = ", ".join(sorted(self._logs)) or "none: this witness watches no log"
            raise LogUnknown(rule="LOG-2", field="origin", found=origin, allowed=watched)
        found: object = ""
        for key in keys:
            try:
                return open_checkpoint(note, key)
            except RuleViolation as violation:
                found = violation.found
        allowed = "one by " + " or ".join(map(str, keys))
        raise NoteUntrusted(rule="LOG-2", field="note signature", found=found, allowed=allowed)

    def _last(self, memory: Path, origin: str) -> Checkpoint:
        try:
            last = read_checkpoint(memory.read_bytes())
        except FileNotFoundError:
            return Checkpoint(origin, 0, EMPTY_ROOT)
        except RuleViolation as violation:
            raise _damaged(memory, origin, str(violation)) from violation
        if last.origin != origin:
            raise _damaged(memory, origin, f"a checkpoint of {last.origin}")
        return last

    def _convict(self, memory: Path, note: bytes) -> None:
        """Keep the first note that contradicts the memory."""
        forked = memory.with_suffix(".forked")
        if not forked.exists():
            self._keep(forked, note)

    def _keep(self, path: Path, note: bytes) -> None:
        write_durably(path, note)
        sync_folders((self._folder,), self._folder.parent)

    @contextmanager
    def _alone(self, memory: Path) -> Iterator[None]:
        """One thread of one process at a time: comparing with the last checkpoint and replacing it are one
        step.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(memory.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _check_proof(last: Checkpoint, checkpoint: Checkpoint, proof: tuple[bytes, ...]) -> None:
    try:
        verify_consistency(last.size, checkpoint.size, last.root, checkpoint.root, proof)
    except RuleViolation as violation:
        raise ProofInvalid(
            rule="LOG-2", field=violation.field, found=violation.found, allowed=violation.allowed
        ) from violation


def _damaged(memory: Path, origin: str, found: str) -> DatabaseCorrupted:
    return DatabaseCorrupted(
        found=f"{memory}: {found}",
        expected=f"the checkpoint of {origin} that was cosigned last",
        remedy="restore the newest copy, or go on under a new witness key",
    )
