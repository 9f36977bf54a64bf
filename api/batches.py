"""Batches of statements, judged while they arrive (MEA-2, MEA-3).

A batch is never held whole: as soon as a part of it is there, its whole items go to the access node, and only
their answers are kept until the body ends. So what a request holds is one part and its answers.

A body may be at fault: too long, too many items, an item without an end. What stands before the fault is
taken and answered, what follows is not looked at. If the connection breaks, what was taken stays taken and
nobody hears of it: the sender repeats the batch, and the same bytes get their first receipts.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Final

from fastapi.concurrency import run_in_threadpool

from api.problems import too_large
from api.statements import receipt_path
from registry.domain.errors import RuleViolation
from registry.log.judging import Body
from registry.ports import Accepted, Answer, SequenceAnswers

PART_BYTES: Final = 256 * 1024
"""What is gathered of a body before it goes to the access node: some 1,500 readings, one commit."""

Submit = Callable[[Body], SequenceAnswers]


class Batch:
    """One batch on its way in."""

    def __init__(self, submit: Submit, items_max: int, bytes_max: int) -> None:
        """``submit`` takes a part of a CBOR sequence; it is called in other threads, one call at a time."""
        self._submit = submit
        self._items_max = items_max
        self._bytes_max = bytes_max
        self._items = 0
        self._bytes = 0
        self._answers: list[bytes] = []
        self.fault: RuleViolation | None = None

    @property
    def answers(self) -> bytes:
        """The answers so far: a JSON list of :class:`api.schemas.documents.StatementAnswer`."""
        return b"[%b]" % b",".join(self._answers)

    async def take(self, pieces: AsyncIterator[bytes]) -> None:
        """Take a body as it arrives, to its end or its first fault.

        Raises what ``pieces`` and ``submit`` raise: then some of it may have been taken, and sending it again
        is safe.
        """
        waiting = bytearray()
        async for piece in pieces:
            waiting += piece
            beyond = self._bytes + len(waiting) - self._bytes_max
            if beyond > 0:
                del waiting[-beyond:]
                await self._take(waiting, last=False)
                self.fault = self.fault or too_large(f"more than {self._bytes_max} bytes", self._bytes_max)
            elif len(waiting) >= PART_BYTES:
                await self._take(waiting, last=False)
            if self.fault:
                return
        if waiting:
            await self._take(waiting, last=True)

    async def _take(self, waiting: bytearray, last: bool) -> None:
        """Submit what waits; what is left of it is the beginning of an item."""
        body = Body(bytes(waiting), self._items_max, last, self._items, self._bytes)
        count, answers, end, self.fault = await run_in_threadpool(self._answered, body)
        if answers:
            self._answers.append(answers)
        self._items += count
        self._bytes += end
        del waiting[:end]

    def _answered(self, body: Body) -> tuple[int, bytes, int, RuleViolation | None]:
        found = self._submit(body)
        return len(found.answers), ",".join(map(_text, found.answers)).encode(), found.end, found.fault


def _text(answer: Answer) -> str:
    """One answer of a batch, as :class:`api.schemas.documents.StatementAnswer` describes it."""
    if isinstance(answer, Accepted):
        # Numbers, hexadecimal and a path made of them: nothing to escape, and a fifth of what json takes.
        status = "duplicate" if answer.duplicate else "accepted"
        return (
            f'{{"status":"{status}","statement_id":"{answer.statement_id.hex()}",'
            f'"index":{answer.index},"receipt":"{receipt_path(answer.index)}"}}'
        )
    shown = {
        "status": "refused",
        "statement_id": answer.statement_id.hex(),
        "detail": str(answer.violation),
        **answer.violation.as_dict(),
    }
    return json.dumps(shown, separators=(",", ":"))
