"""What a serving node does by itself with a month that its operator had detached: move it into the archive
while statements are taken (LOG-1).
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from registry.bootstrap import Node
from registry.domain.errors import RuleViolation
from registry.log.retention import Step
from registry.services.detach_month import end_of_final_month

INTERVAL_S = 10.0
_log = logging.getLogger(__name__)


class Detacher:
    """A thread of its own, for a month of a city takes hours.

    What was asked for stands in the log's database: a node that was killed takes it up again when it is
    served. What goes wrong is said once in the log and by `failure`, and tried again.
    """

    def __init__(self, node: Node, interval_s: float = INTERVAL_S) -> None:
        self._node = node
        self._interval_s = interval_s
        self._stop, self._woken = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._said: str | None = None
        self.step: Step | None = None
        """How far the detachment under way is, None before its first step."""
        self.failure: str | None = None
        """The kind of error that ended the last try, None if none did; its text is in the log only."""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="detacher", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()

    def ask(self, month: str) -> None:
        """Have a delivery month, and all before it, detached. The same again while it goes on changes
        nothing.

        Raises RuleViolation (LOG-1) without an archive, what
        :func:`~registry.services.detach_month.end_of_final_month` raises and what
        :func:`~registry.log.retention.ask` raises.
        """
        self._archive()
        until = end_of_final_month(self._node.mirror, month, self._node.clock.now())
        self._node.log.ask_to_detach(until)
        self._woken.set()

    def work(self) -> None:
        """Do what was asked for, if anything was."""
        try:
            until = self._node.log.held.detaching_until
            if until is not None:
                self._node.log.detach(until, self._archive(), self._tell)
        except _Stopped:
            pass
        except Exception as error:  # whatever it is, the next try must come
            if str(error) != self._said:
                _log.exception("detaching failed, the next try is in %s s", self._interval_s)
            self._said, self.failure = str(error), type(error).__name__
        else:
            self._said = self.failure = None
        self.step = None

    def _archive(self) -> Path:
        archive = self._node.settings.log_archive
        if archive is None:
            raise RuleViolation(
                rule="LOG-1",
                field="archive",
                found="none",
                allowed="a folder that takes what is detached",
                hint="the node's setting FLEXLEDGER_LOG_ARCHIVE names it",
            )
        return archive

    def _tell(self, step: Step) -> None:
        self.step = step
        if self._stop.is_set():
            raise _Stopped

    def _run(self) -> None:
        while not self._stop.is_set():
            self._woken.clear()
            self.work()
            self._woken.wait(self._interval_s)


class _Stopped(Exception):
    """The node is no longer served."""
