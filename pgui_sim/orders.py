"""What a run of a fleet is asked to do, and what it did (PGU-1, PGU-2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from pgui_sim.faults import Fault

Progress = Callable[[str, int], None]
"""Told what was done (``made`` or ``certified`` devices, ``answered`` statements) and how many more of it."""

_KEPT: Final = 1000
"""Refusals and problems kept word by word; beyond, they are counted."""


@dataclass(frozen=True, slots=True)
class Offline:
    """A device has no connection in [start, end), Unix seconds."""

    pod_index: int
    start: int
    end: int

    def covers(self, at: int) -> bool:
        """Whether there is no connection at ``at``."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at once: statements of an upload, uploads and setpoint requests under way per process,
    devices kept in one transaction. ``attempts``: how often a request is made before the access node counts
    as unreachable.
    """

    batch: int
    uploads: int
    fetches: int
    commit: int
    attempts: int = 4


PACE: Final = Pace(batch=500, uploads=1, fetches=8, commit=50)
"""One upload after the other: statements arrive in the order in which they were signed."""
CITY_PACE: Final = Pace(batch=4_000, uploads=2, fetches=16, commit=1_000, attempts=6)


@dataclass(frozen=True, slots=True)
class Orders:
    """What a run is asked to do.

    ``server``: base URL, or ``None`` to certify and store only; ``until`` in Unix seconds; faults by device.
    """

    server: str | None
    until: int
    faults: dict[int, list[Fault]] = field(default_factory=dict)
    offline: tuple[Offline, ...] = ()
    pace: Pace = PACE

    def connected(self, pod_index: int, at: int) -> bool:
        """Whether a device has a connection at ``at``."""
        return not any(each.pod_index == pod_index and each.covers(at) for each in self.offline)


@dataclass(slots=True)
class Summary:
    """What a run did.

    ``signed``: genuine statements; ``refused``: the first 1,000 refusals, all are counted in
    ``refusals`` by rule and field; ``queued``: what still waits for an answer; ``problems``: in words.
    """

    signed: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    executions: int = 0
    setpoints: int = 0
    queued: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """What a run prints of it."""
        names = ("signed", "accepted", "duplicates", "refused", "executions", "setpoints", "queued")
        return {name: getattr(self, name) for name in names}

    def answered(self, pod_index: int, fault: str | None, answer: dict[str, Any]) -> None:
        """Count the access node's answer to one statement."""
        match answer["status"]:
            case "accepted":
                self.accepted += 1
            case "duplicate":
                self.duplicates += 1
            case _:
                reason = {name: answer.get(name) for name in ("rule", "field", "found", "allowed")}
                self.refusals[f"{reason['rule']} {reason['field']}"] += 1
                if len(self.refused) < _KEPT:
                    self.refused.append({**reason, "device": pod_index, "fault": fault})

    def problem(self, text: str) -> None:
        """Keep a problem, if there are not too many already."""
        if len(self.problems) < _KEPT:
            self.problems.append(text)

    def add(self, other: Summary) -> None:
        """Count another run's figures in, which happened beside this one."""
        self.follow(other, self.queued + other.queued)

    def follow(self, other: Summary, queued: int | None = None) -> None:
        """Count a later run's figures in; what waits is what waited in the end."""
        self.signed += other.signed
        self.accepted += other.accepted
        self.duplicates += other.duplicates
        self.refused = (self.refused + other.refused)[:_KEPT]
        self.executions += other.executions
        self.setpoints += other.setpoints
        self.queued = other.queued if queued is None else queued
        self.refusals += other.refusals
        self.problems = (self.problems + other.problems)[:_KEPT]
