"""What a serving node does by itself: follow the chain, anchor the log."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Self

from registry.bootstrap import Node
from registry.domain.participants import PartyKind
from registry.log.anchoring import Anchorer
from registry.services.anchor_checks import check_anchors

INTERVAL_S = 2.0
_log = logging.getLogger(__name__)


class Caretaker:
    """A thread that wakes every two seconds.

    What goes wrong is said once in the log and by `failure`, and tried again.
    """

    def __init__(self, node: Node, interval_s: float = INTERVAL_S) -> None:
        self._node = node
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._anchorer: Anchorer | None = None
        self._learned = False
        self._said: str | None = None
        self.failure: str | None = None
        """The kind of error that ended the last round, None if it went well; its text is in the log only."""

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="caretaker", daemon=True)
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
            self._node.mirror.catch_up()
            if not self._learned:
                self._node.learn_keys()
                self._learned = True
            self._anchor()
        except Exception as error:  # whatever it is, the next round must come
            if str(error) != self._said:
                _log.exception("background work failed, the next try is in %s s", self._interval_s)
            self._said, self.failure = str(error), type(error).__name__
        else:
            self._said = self.failure = None

    def _anchor(self) -> None:
        if self._anchorer is None:
            nodes = self._node.mirror.parties(kind=PartyKind.ACCESS_NODE)
            own = [node.party for node in nodes if node.party in self._node.signers]
            if not own:
                return
            self._anchorer = self._node.anchorer(own[0])
        if self._anchorer.run_once() is not None:
            self._node.mirror.catch_up()
            check_anchors(self._node.mirror, self._node.log)

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            self.work()
