"""Anchoring: putting the log's head on the ledger at a fixed cadence, so that it can neither be rewritten nor
cut unnoticed (LOG-2).

An anchor says how many witnesses cosigned exactly what it anchors. The log grows while they are asked, so
what is anchored where a log has witnesses is the newest checkpoint that they saw. They are waited for, but
never longer than the operator says: an anchor with fewer witnesses is worth more than none.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock

from registry.domain.commands import AnchorCheckpoint
from registry.domain.events import CheckpointAnchored
from registry.log.anchors import Anchor
from registry.log.cosigning import CosignatureCollector, Held
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


class Anchorer:
    """Anchors one log by one transaction at a time, whatever the volume."""

    def __init__(
        self,
        log: AccessNode,
        ledger: Ledger,
        signer: Signer,
        node_party: int,
        every_entries: int,
        every_seconds: int,
        clock: Clock,
        cosigner: CosignatureCollector | None = None,
        wait_seconds: int = 0,
    ) -> None:
        """``node_party`` is the access node's party, ``signer`` its key on the ledger; ``cosigner`` holds
        what the log's witnesses said, and somebody else makes it ask them.

        An anchor is due when ``every_entries`` entries are beyond the last one, or one of them is
        ``every_seconds`` old. From then on it waits up to ``wait_seconds`` for all witnesses.
        """
        self._log = log
        self._ledger = ledger
        self._signer = signer
        self._party = node_party
        self._every_entries = every_entries
        self._every_seconds = every_seconds
        self._clock = clock
        self._cosigner = cosigner if cosigner is not None and cosigner.asked else None
        self._wait_seconds = wait_seconds
        self._due_since: int | None = None
        self._turn = Lock()
        self._known = False
        self._failure: OperationalError | None = None

    def run_once(self) -> Receipt | None:
        """Anchor the head, or the newest checkpoint that witnesses cosigned, if that is due; ``None`` if it
        is not, if witnesses are waited for, or if the chain does not answer (then :meth:`lag` says so).

        Raises RuleViolation (LOG-2) if the ledger refuses the checkpoint,
        :class:`~registry.ports.DatabaseCorrupted` if the ledger holds a checkpoint that contradicts this log,
        or its witnesses cosigned one, and failures that waiting does not cure.
        """
        return self._run(forced=False)

    def anchor(self) -> Receipt | None:
        """As :meth:`run_once` for the head itself, due or not, with the witnesses that cosigned it so far."""
        return self._run(forced=True)

    def lag(self) -> AnchorLag:
        """How far the ledger is behind, as far as this node knows."""
        anchored = self._anchored_size()
        waiting = self._log.size - anchored
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
        if head.size <= anchored:
            return None
        held = self._held(anchored)
        if forced:
            of_head = held if held is not None and held.checkpoint.size == head.size else None
            return self._send(head.size, head.root, of_head)
        return self._send_due(head.size, head.root, anchored, held)

    def _send_due(self, size: int, root: bytes, anchored: int, held: Held | None) -> Receipt | None:
        """Anchor what is due.

        1. Nothing until the head is due.
        2. What all witnesses cosigned, if that much is due.
        3. Nothing while the wait for the others lasts.
        4. What some of them cosigned, if that much is due; otherwise the head, which none did.
        """
        # 1. the head
        if not self._due(size, anchored):
            self._due_since = None
            return None
        # 2. cosigned by all
        usable = held if held is not None and self._due(held.checkpoint.size, anchored) else None
        asked = self._cosigner.asked if self._cosigner is not None else 0
        if asked and (usable is None or usable.witnesses < asked):
            # 3. the others
            if self._waited() < self._wait_seconds:
                return None
            found = usable.witnesses if usable is not None else 0
            _log.warning("anchoring with %s of %s witnesses after %s s", found, asked, self._wait_seconds)
        # 4. what there is
        if usable is None:
            return self._send(size, root, None)
        return self._send(usable.checkpoint.size, usable.checkpoint.root, usable)

    def _held(self, anchored: int) -> Held | None:
        """What witnesses cosigned beyond the last anchor. If it is not this very log, the log lost entries or
        forked, and never goes on.
        """
        held = self._cosigner.held() if self._cosigner is not None else None
        if held is None or held.checkpoint.size <= anchored:
            return None
        size, root = held.checkpoint.size, held.checkpoint.root
        if self._log.root_at(size) != root:
            raise DatabaseCorrupted(
                found=f"no root {root.hex()} at size {size}",
                expected="what the log's witnesses have cosigned",
                remedy="restore the newest copy of the log; never go on with this one",
            )
        return held

    def _due(self, size: int, anchored: int) -> bool:
        """Whether so many entries are to be anchored now, after ``anchored`` are."""
        return size > anchored and (
            size - anchored >= self._every_entries
            or self._age_of_first_beyond(anchored) >= self._every_seconds
        )

    def _waited(self) -> int:
        """Seconds since an anchor was first seen to be due. A clock that was set back starts them anew."""
        now = int(self._clock.now().timestamp())
        self._due_since = now if self._due_since is None else min(self._due_since, now)
        return now - self._due_since

    def _send(self, size: int, root: bytes, held: Held | None) -> Receipt:
        """Anchor a checkpoint with who cosigned it: 1. their words are durable, 2. the ledger has it."""
        # 1. what the anchor will claim
        if held is not None and self._cosigner is not None:
            self._cosigner.keep(held)
        # 2. the ledger
        command = AnchorCheckpoint(
            node=self._party,
            log_id=self._log.log_id,
            size=size,
            root=root,
            witnesses=held.witnesses if held is not None else 0,
        )
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
