"""Outcomes of the log as answers to who sent the statements (MEA-2, MEA-3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

from registry.log.judged import Judged
from registry.log.placing import Outcome, Standing
from registry.ports import Accepted, Answer, Refused


def answers_of(
    judged: Judged, outcomes: Sequence[Outcome], receipt: Callable[[int], bytes]
) -> Iterator[Answer]:
    """One answer per message, in order; ``receipt`` makes an entry's receipt when somebody asks for it."""
    frames, others = judged.readings(), judged.others
    for number, outcome in enumerate(outcomes):
        data = others[number].raw if number in others else next(frames)[2:]
        if isinstance(outcome, int):
            yield Accepted(outcome, data, receipt, False)
        elif isinstance(outcome, Standing):
            yield Accepted(outcome.index, data, receipt, True)
        else:
            yield Refused(outcome, sha256(data).digest())
