"""What a serving node with witnesses does by itself: have the head of its log cosigned (LOG-2)."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Self

from registry.bootstrap import Node

INTERVAL_S = 10.0
_log = logging.getLogger(__name__)


class Cosigner:
    """A thread of its own, for a witness may take its time.

    It asks when the head is new or a cosignature is missing. What goes wrong is said in the log when it
    begins or changes, and tried again.
    """

    def __init__(self, node: Node, interval_s: float = INTERVAL_S) -> None:
        self._node = node
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._complete: int | None = None
        self._said: frozenset[str] = frozenset()

    def __enter__(self) -> Self:
        if self._node.settings.witnesses:
            self._thread = threading.Thread(target=self._run, name="cosigner", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def work(self) -> None:
        """One round."""
        try:
            if self._node.log.checkpoint().size == self._complete:
                return
            collected = self._node.cosigner.collect()
        except Exception as error:  # whatever it is, the next round must come
            self._say(frozenset({str(error)}))
            return
        self._say(frozenset(f"{key.name}: {failure}" for key, failure in collected.failures.items()))
        self._complete = None if collected.failures else collected.checkpoint.size

    def _say(self, failures: frozenset[str]) -> None:
        for failure in sorted(failures - self._said):
            _log.warning("a cosignature is missing, the next try is in %s s: %s", self._interval_s, failure)
        self._said = failures

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            self.work()
