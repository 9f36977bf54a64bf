"""What a serving node does by itself: follow the chain, anchor the log."""

from __future__ import annotations

import logging
import threading
from types import TracebackType
from typing import Self

from registry.bootstrap import Node
from registry.domain.errors import RuleViolation
from registry.domain.participants import PartyKind
from registry.ports import OperationalError

INTERVAL_S = 2.0
_log = logging.getLogger(__name__)


class Caretaker:
    """A thread that wakes every two seconds; what goes wrong is logged and tried again."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="caretaker", daemon=True)
        self._anchorer = next(
            (
                node.anchorer(party.party)
                for party in node.mirror.parties(kind=PartyKind.ACCESS_NODE)
                if party.party in node.signers
            ),
            None,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            try:
                self._node.mirror.catch_up()
                if self._anchorer is not None:
                    self._anchorer.run_once()
            except (OperationalError, RuleViolation):
                _log.exception("the caretaker tries again in %s s", INTERVAL_S)
