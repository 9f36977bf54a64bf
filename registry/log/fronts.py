"""Statements that are read and judged in processes of their own, fronts of the log's (MEA-2, MEA-3).

A front reads and verifies; the log's process alone places and commits. One exchange at a time on one pipe:

    front                                        log
    that it wants to know keys     ──►           (once, when it opens: again and again, until there is none)
                                   ◄──           the next keys of the directory
    key ids it does not know       ──►
                                   ◄──           their keys
    judged batch, and up to which
    edition of the directory it
    knew of changes                ──►           commits
                                   ◄──           outcomes, or what the front must forget before it judges anew

So a change of a binding reaches every front before its next batch counts, and a front that is killed takes
nothing with it but requests that were not answered.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any, Final

from registry.evidence.acceptance import AcceptanceRules
from registry.log.answers import answers_of
from registry.log.judged import Judged
from registry.log.judging import Gate
from registry.log.keys import KeyBook
from registry.ports import Answer, Clock, DeviceKey, OperationalError

_LEARN: Final = 5_000
"""Keys that are asked for at once."""


class LogLost(OperationalError):
    """The log's process is gone."""

    title = "log lost"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A judged batch.

    Attributes:
        edition: of the directory, up to which the front knew of changes.
        now: when it was judged, Unix seconds.
        judge_s: how long that took, seconds.
    """

    edition: int
    now: int
    judged: Judged
    judge_s: float


@dataclass(frozen=True, slots=True)
class NextKeys:
    """Asks for the next ``count`` keys of the directory; fewer are its last."""

    count: int


@dataclass(frozen=True, slots=True)
class Outdated:
    """The directory changed: ``forgotten`` keys, or all, are to be asked for anew."""

    edition: int
    forgotten: Collection[bytes] | None


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """What a front needs to know.

    Attributes:
        edition: the directory's edition when the front was opened.
        rules: in which time statements are taken.
        keys_kept: keys that it remembers.
    """

    edition: int
    rules: AcceptanceRules
    keys_kept: int


class Front:
    """The front's end, in its own process; all calls from one event loop."""

    def __init__(self, pipe: Connection, settings: FrontSettings, clock: Clock) -> None:
        self._pipe = pipe
        self._clock = clock
        self._edition = settings.edition
        self._gate = Gate(KeyBook(settings.keys_kept), settings.rules)
        # Judging leaves no cycles behind, and a collection would walk through every key that is remembered.
        gc.disable()

    def learn_keys(self) -> None:
        """Read the directory's keys before anybody signs by them; to be called first, and once.

        Raises :class:`LogLost`.
        """
        keys: list[DeviceKey] = [*self._exchange(NextKeys(_LEARN))]
        while keys:
            self._gate.book.learn(keys)
            keys = self._exchange(NextKeys(_LEARN))

    async def submit(self, statements: Sequence[bytes]) -> list[Answer]:
        """Take statements; one answer each, in order. One call at a time.

        Raises :class:`~registry.ports.OperationalError`: nothing is known of the statements then, and sending
        them again is safe.
        """
        loop = asyncio.get_running_loop()
        while True:
            now, began = int(self._clock.now().timestamp()), perf_counter()
            # Here and not on a thread: two threads of one interpreter would only wait for one another.
            judged = self._gate.judge(statements, now, self._ask)
            delivery = Delivery(self._edition, now, judged, perf_counter() - began)
            answer = await loop.run_in_executor(None, self._exchange, delivery)
            if isinstance(answer, Outdated):
                self._gate.book.forget(answer.forgotten)
                self._edition = answer.edition
            elif isinstance(answer, OperationalError):
                raise answer
            else:
                return list(answers_of(judged, answer, _no_receipt))

    def _ask(self, key_ids: Sequence[bytes]) -> list[DeviceKey | None]:
        keys: list[DeviceKey | None] = self._exchange(list(key_ids))
        return keys

    def _exchange(self, request: object) -> Any:
        try:
            self._pipe.send(request)
            return self._pipe.recv()
        except (EOFError, OSError) as error:
            raise LogLost(
                found="a closed pipe",
                expected="the log's process",
                remedy="send again once the node is back",
            ) from error


def _no_receipt(index: int) -> bytes:
    raise LookupError(f"the receipt of entry {index} is made in the log's process")
