"""What the access node counts while it works: answers by rule, batches, seconds per stage, setpoints handed
out (MEA-2, MEA-3, SET-1).

The node tells a :class:`Meter` once per batch, never per statement, so that counting costs microseconds
however many statements come in. What can be read when asked (sizes, lags) is not counted here.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram

from registry.log.placing import Outcome, Standing

BATCH_BUCKETS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
"""Statements per batch; the last one is what a request may carry."""
STAGE_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds: from one statement without waiting to thousands behind a slow disk."""


class Door(Enum):
    """By which way messages came in."""

    STATEMENTS = "statements"
    SETPOINTS = "setpoints"


@dataclass(frozen=True, slots=True)
class Stages:
    """Seconds that one batch spent in each stage.

    Attributes:
        judge: form, key, signature, time of each message by itself.
        place: waiting for the sequencer's turn, the commit and the files.
        answer: receipts.
    """

    judge: float
    place: float
    answer: float


class Meter(Protocol):
    """Who wants to know what the access node did. Called from many threads; must not raise."""

    def taken(self, door: Door, outcomes: Sequence[Outcome], stages: Stages) -> None:
        """A batch was answered."""
        ...

    def delivered(self, setpoints: int) -> None:
        """Setpoints were handed out to a device."""
        ...


class NoMeter:
    """Counts nothing: for an access node that nobody watches."""

    def taken(self, door: Door, outcomes: Sequence[Outcome], stages: Stages) -> None:
        """Nothing."""

    def delivered(self, setpoints: int) -> None:
        """Nothing."""


class PrometheusMeter:
    """Counts in a registry of the Prometheus client."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Put the node's metrics into ``registry``; one meter per registry."""
        self._answers = {
            door: Counter(
                f"flexledger_{door.value}",
                f"Answers to {door.value} by outcome; a refusal names its rule",
                ("outcome", "rule"),
                registry=registry,
            )
            for door in Door
        }
        self._batch = Histogram(
            "flexledger_batch_messages",
            "Messages per batch",
            ("door",),
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
        self._stage = Histogram(
            "flexledger_stage_seconds",
            "Seconds of a batch per stage: judge, place (with the wait for the turn), answer",
            ("door", "stage"),
            buckets=STAGE_BUCKETS,
            registry=registry,
        )
        self._delivered = Counter(
            "flexledger_setpoints_delivered",
            "Setpoints handed out to devices; one that is fetched twice counts twice",
            registry=registry,
        )

    def taken(self, door: Door, outcomes: Sequence[Outcome], stages: Stages) -> None:
        """Count the batch's outcomes and put its times into the histograms."""
        for (outcome, rule), count in Tally(map(_labels, outcomes)).items():
            self._answers[door].labels(outcome, rule).inc(count)
        self._batch.labels(door.value).observe(len(outcomes))
        for stage, seconds in (("judge", stages.judge), ("place", stages.place), ("answer", stages.answer)):
            self._stage.labels(door.value, stage).observe(seconds)

    def delivered(self, setpoints: int) -> None:
        """Count them."""
        self._delivered.inc(setpoints)


def _labels(outcome: Outcome) -> tuple[str, str]:
    if isinstance(outcome, int):
        return "accepted", ""
    if isinstance(outcome, Standing):
        return "duplicate", ""
    return "refused", outcome.rule
