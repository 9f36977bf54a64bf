"""Anchoring: putting the log's head on the ledger at a fixed cadence, so that it can neither be rewritten nor
cut unnoticed (LOG-2).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from registry.domain.commands import AnchorCheckpoint
from registry.domain.events import CheckpointAnchored
from registry.evidence.checkpoints import Checkpoint
from registry.log.anchors import Anchor
from registry.log.node import AccessNode
from registry.ports import (
    ChainUnreachable,
    Clock,
    DatabaseCorrupted,
    Ledger,
    OperationalError,
    Receipt,
    Signer,
    TransactionNotMined,
)

WITNESS_WAIT_S = 60
"""How long an anchor that is due waits for a first cosignature, seconds."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnchorLag:
    """How far the ledger is behind the log.

    Attributes:
        entries: entries beyond the last anchor.
        seconds: age of the oldest of them, 0 if there is none.
        failure: why the last attempt failed, ``None`` if it did not.
    """

    entries: int
    seconds: int
    failure: OperationalError | None


class Cosigned(Protocol):
    """What witnesses have cosigned."""

    def newest(self) -> tuple[Checkpoint, int] | None:
        """The largest cosigned checkpoint, and by how many witnesses."""
        ...


class Anchorer:
    """Anchors one log by one transaction at a time, whatever the volume.

    A log with witnesses anchors what they have cosigned, and how many did. For witnesses that are silent it
    waits ``WITNESS_WAIT_S`` once an anchor is due; then the head goes without.
    """

    def __init__(
        self,
        log: AccessNode,
        ledger: Ledger,
        signer: Signer,
        node_party: int,
        every_entries: int,
        every_seconds: int,
        clock: Clock,
        cosigned: Cosigned | None = None,
    ) -> None:
        """``node_party`` is the access node's party, ``signer`` its key on the ledger.

        An anchor is due when ``every_entries`` entries are beyond the last one, or one of them is
        ``every_seconds`` old. ``cosigned`` tells of the log's witnesses, if it has any.
        """
        self._log = log
        self._ledger = ledger
        self._signer = signer
        self._party = node_party
        self._every_entries = every_entries
        self._every_seconds = every_seconds
        self._clock = clock
        self._cosigned = cosigned
        self._due_since: int | None = None
        self._turn = Lock()
        self._known = False
        self._failure: OperationalError | None = None

    def run_once(self) -> Receipt | None:
        """Anchor the head if that is due; ``None`` if it is not, or if the chain does not answer (then
        :meth:`lag` says so).

        Raises RuleViolation (LOG-2) if the ledger refuses the checkpoint,
        :class:`~registry.ports.DatabaseCorrupted` if the ledger holds a checkpoint that contradicts this log,
        and failures that waiting does not cure.
        """
        return self._run(forced=False)

    def anchor(self) -> Receipt | None:
        """As :meth:`run_once` for whatever is beyond the last anchor, due or not."""
        return self._run(forced=True)

    def lag(self) -> AnchorLag:
        """How far the ledger is behind, as far as this node knows."""
        anchored = self._anchored_size()
        waiting = self._log.checkpoint().size - anchored
        return AnchorLag(waiting, self._age_of_first_beyond(anchored) if waiting > 0 else 0, self._failure)

    def _run(self, *, forced: bool) -> Receipt | None:
        with self._turn:
            try:
                receipt = self._attempt(forced)
            except (ChainUnreachable, TransactionNotMined) as failure:
                _log.warning("anchoring waits: %s", failure)
                # The transaction may have got there: look at the ledger before the next one.
                self._known, self._failure = False, failure
                return None
            self._failure = None
            return receipt

    def _attempt(self, forced: bool) -> Receipt | None:
        if not self._known:
            self._learn()
        head, anchored = self._log.checkpoint(), self._anchored_size()
        waiting = head.size - anchored
        if waiting <= 0:
            return None
        due = waiting >= self._every_entries or self._age_of_first_beyond(anchored) >= self._every_seconds
        if not (due or forced):
            self._due_since = None
            return None
        found = self._witnessed(anchored)
        if found is not None and (found[0] == head.size or not forced):
            size, witnesses = found
        elif forced or self._waited_long_enough():
            size, witnesses = head.size, 0
        else:
            return None
        return self._send(size, witnesses)

    def _witnessed(self, anchored: int) -> tuple[int, int] | None:
        """Size and witnesses of the largest cosigned checkpoint beyond the last anchor."""
        newest = self._cosigned.newest() if self._cosigned else None
        if newest is None or newest[0].size <= anchored:
            return None
        checkpoint, witnesses = newest
        if self._log.root_at(checkpoint.size) != checkpoint.root:
            raise DatabaseCorrupted(
                found=f"no root {checkpoint.root.hex()} at size {checkpoint.size}",
                expected="what the log's witnesses have cosigned",
                remedy="restore the newest copy of the log; never go on with this one",
            )
        return checkpoint.size, witnesses

    def _waited_long_enough(self) -> bool:
        """Whether nothing is to be expected of witnesses any more for the anchor that is due."""
        if self._cosigned is None:
            return True
        now = int(self._clock.now().timestamp())
        if self._due_since is None:
            self._due_since = now
        return now - self._due_since >= WITNESS_WAIT_S

    def _send(self, size: int, witnesses: int) -> Receipt:
        root = self._log.checkpoint_at(size).root
        command = AnchorCheckpoint(self._party, self._log.log_id, size, root, witnesses)
        receipt = self._ledger.send(command, self._signer)
        self._log.anchors.remember(Anchor(size, receipt.block_number, receipt.block_time))
        self._due_since = None
        return receipt

    def _learn(self) -> None:
        """Read what the ledger has of this log since the last anchor that is remembered."""
        last = self._log.anchors.last()
        start = last.block_number if last else self._ledger.first_block
        for block in self._ledger.recorded(start, self._ledger.head().number):
            for record in block.events:
                event = record.event
                if isinstance(event, CheckpointAnchored) and event.log_id == self._log.log_id:
                    self._check(event)
                    self._log.anchors.remember(Anchor(event.size, record.block_number, record.block_time))
        self._known = True

    def _check(self, event: CheckpointAnchored) -> None:
        own = self._log.root_at(event.size)
        if own != event.root:
            raise DatabaseCorrupted(
                found=f"{'no checkpoint' if own is None else f'the root {own.hex()}'} at size {event.size}",
                expected=f"the anchored root {event.root.hex()}",
                remedy="restore the newest copy of the log; never go on with this one",
            )

    def _anchored_size(self) -> int:
        last = self._log.anchors.last()
        return last.size if last else 0

    def _age_of_first_beyond(self, size: int) -> int:
        return max(0, int(self._clock.now().timestamp()) - self._log.committed_at(size))
