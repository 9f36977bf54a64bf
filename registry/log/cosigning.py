"""Collecting cosignatures: the log's head is shown to its witnesses, and their words put under it (LOG-2).

The log grows while witnesses are asked, so what they cosigned has a file of its own beside the checkpoint. It
never goes back to a smaller size. What an anchor counted is kept below ``cosigned/``, by size, so that
everybody can count again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final, Protocol

from registry.domain.errors import RuleViolation
from registry.evidence.checkpoints import Checkpoint, read_checkpoint
from registry.evidence.cosignatures import (
    Cosignature,
    WitnessKey,
    count_witnesses,
    read_cosignatures,
    with_cosignatures,
)
from registry.evidence.witnessing import AddCheckpoint
from registry.log.failures import disk_failures
from registry.log.files import sync_folders, write_durably
from registry.log.tile_folder import TileFolder, TileMissing
from registry.log.tile_reader import TileReader
from registry.log.witness import LogForked, SizeDiffers
from registry.ports import OperationalError

COSIGNED: Final = "checkpoint.cosigned"
KEPT: Final = "cosigned"

Failure = RuleViolation | OperationalError | TileMissing


class WitnessService(Protocol):
    """A witness, in this process or elsewhere."""

    @property
    def key(self) -> WitnessKey:
        """The key its cosignatures are checked with."""
        ...

    def add_checkpoint(self, request: AddCheckpoint) -> bytes:
        """Signature lines for a checkpoint. Raises :class:`~registry.log.witness.SizeDiffers`, other
        RuleViolation (LOG-2) and :class:`~registry.ports.OperationalError`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Collected:
    """What one round of asking gave.

    Attributes:
        checkpoint: the head that was shown to the witnesses.
        note: its note with every cosignature that is known under it.
        cosignatures: those, verified.
        failures: why the others did not cosign, by witness.
    """

    checkpoint: Checkpoint
    note: bytes
    cosignatures: tuple[Cosignature, ...]
    failures: Mapping[WitnessKey, Failure]


@dataclass(frozen=True, slots=True)
class Held:
    """The newest checkpoint that witnesses cosigned.

    Attributes:
        checkpoint: the head they saw.
        note: its note with their cosignatures under it.
        witnesses: how many distinct witnesses of this log cosigned it, at least 1.
    """

    checkpoint: Checkpoint
    note: bytes
    witnesses: int


class CosignatureCollector:
    """Asks the witnesses of one log, all at once. It needs nothing but the log's public folder."""

    def __init__(self, tree_folder: Path, witnesses: Sequence[WitnessService]) -> None:
        self._folder = TileFolder(tree_folder)
        self._path = tree_folder / COSIGNED
        self._witnesses = witnesses
        self._keys = [witness.key for witness in witnesses]
        self._stands: dict[WitnessKey, int] = {}
        self._turn = Lock()

    def collect(self) -> Collected:
        """Show the published head to every witness and publish what they say.

        1. The published head.
        2. Ask: a witness that stands elsewhere than was thought says where, and is asked once more.
        3. Put their cosignatures under the note, with those that were there for the same head before.
        4. Write it beside the checkpoint, unless nobody cosigned.

        A witness that refuses, lies or does not answer is in ``failures`` and holds up nobody else. Raises
        RuleViolation: LOG-1 if no head is published, LOG-2 (:class:`LogForked`) if the head does not continue
        what is cosigned already; :class:`~registry.ports.DiskFull`.
        """
        with self._turn:
            # 1. the head
            note = self._folder.checkpoint()
            if note is None:
                raise RuleViolation(
                    rule="LOG-1", field="checkpoint", found="no file", allowed="a published checkpoint"
                )
            checkpoint = read_checkpoint(note)
            before = self._known_already(checkpoint)
            # 2. ask
            found: dict[WitnessKey, Cosignature] = {}
            failures: dict[WitnessKey, Failure] = {}
            reader = TileReader(self._folder, checkpoint.size)
            with ThreadPoolExecutor(max(1, len(self._witnesses))) as pool:
                answers = pool.map(lambda each: self._ask(each, checkpoint, note, reader), self._witnesses)
                for key, answer in zip(self._keys, answers, strict=True):
                    if isinstance(answer, Cosignature):
                        found[key] = answer
                    else:
                        failures[key] = answer
            # 3. under the note
            cosignatures = {**before, **found}
            cosigned = with_cosignatures(note, cosignatures.values())
            # 4. beside the checkpoint
            if found:
                with disk_failures(self._path):
                    write_durably(self._path, cosigned)
                    sync_folders((), self._folder.root)
            return Collected(checkpoint, cosigned, tuple(cosignatures.values()), failures)

    @property
    def asked(self) -> int:
        """How many distinct witnesses this log asks."""
        return len({key.public_key for key in self._keys})

    def cosigned(self) -> bytes | None:
        """The newest note with cosignatures under it, or ``None`` if there is none yet."""
        return self._path.read_bytes() if self._path.exists() else None

    def held(self) -> Held | None:
        """What is held of the witnesses' words, verified; ``None`` while none of them cosigned."""
        found = self._published()
        if found is None:
            return None
        note, checkpoint, cosignatures = found
        witnesses = count_witnesses(cosignatures)
        return Held(checkpoint, note, witnesses) if witnesses else None

    def keep(self, held: Held) -> None:
        """Put a cosigned checkpoint where it stays, durable, before an anchor counts on it. Raises
        :class:`~registry.ports.DiskFull`.
        """
        path = self._kept(held.checkpoint.size)
        with disk_failures(path):
            write_durably(path, held.note)
            sync_folders((path.parent,), self._folder.root)

    def kept(self, size: int) -> bytes | None:
        """The note of an anchored size with the cosignatures that its anchor counted; ``None`` if it counted
        none.
        """
        path = self._kept(size)
        return path.read_bytes() if path.exists() else None

    def _kept(self, size: int) -> Path:
        return self._folder.root / KEPT / str(size)

    def _published(self) -> tuple[bytes, Checkpoint, list[Cosignature]] | None:
        note = self.cosigned()
        if note is None:
            return None
        try:
            return note, read_checkpoint(note), read_cosignatures(note, self._keys)
        except RuleViolation:
            return None  # damaged: what it held can be asked for again

    def _known_already(self, head: Checkpoint) -> dict[WitnessKey, Cosignature]:
        """Cosignatures of this very head that are published."""
        found = self._published()
        if found is None:
            return {}
        _, published, cosignatures = found
        if published.size > head.size or (published.size == head.size and published != head):
            raise LogForked(
                rule="LOG-2",
                field="checkpoint",
                found=f"size {head.size}, root {head.root.hex()}",
                allowed=f"what continues the cosigned size {published.size}, root {published.root.hex()}",
            )
        if published != head:
            return {}
        return {each.key: each for each in cosignatures}

    def _ask(
        self, witness: WitnessService, checkpoint: Checkpoint, note: bytes, reader: TileReader
    ) -> Cosignature | Failure:
        try:
            try:
                lines = self._propose(witness, checkpoint, note, reader, self._stands.get(witness.key, 0))
            except SizeDiffers as differs:
                if differs.known_size > checkpoint.size:
                    raise
                lines = self._propose(witness, checkpoint, note, reader, differs.known_size)
            cosignatures = read_cosignatures(note + lines, [witness.key])
        except (RuleViolation, OperationalError, TileMissing) as failure:
            self._stands.pop(witness.key, None)
            return failure
        if not cosignatures:
            return RuleViolation(
                rule="LOG-2",
                field="cosignature",
                found="none by this witness",
                allowed=f"one by {witness.key}",
            )
        self._stands[witness.key] = checkpoint.size
        return cosignatures[0]

    @staticmethod
    def _propose(
        witness: WitnessService, checkpoint: Checkpoint, note: bytes, reader: TileReader, old_size: int
    ) -> bytes:
        proof = reader.consistency_proof(old_size) if old_size <= checkpoint.size else []
        return witness.add_checkpoint(AddCheckpoint(min(old_size, checkpoint.size), tuple(proof), note))
