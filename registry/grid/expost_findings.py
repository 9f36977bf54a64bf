"""What the check of a day afterwards finds: limits, verdicts, and which perimeters are responsible."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Verdict(Enum):
    """What the activations did to a limit."""

    CAUSED = "caused"
    CURED = "cured"
    WORSENED = "worsened"
    EASED = "eased"
    UNTOUCHED = "untouched"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Share:
    """What the activations of one perimeter did to the limit of a finding.

    Attributes:
        perimeter: its name.
        changes: per quarter-hour of the finding, what they changed the limit's value by: p.u. of a voltage,
            fraction of the rating of a loading; 0 where the perimeter did not serve, None where one of the
            power flows without or with it alone did not converge.
        responsible: quarter-hours of the finding in which the change goes the way of the verdict and is a
            tenth of the largest such change at least; none of an untouched limit.
        decisive: those of them in which it was enough to have no activations in this perimeter: nothing would
            have been caused, nothing cured.
        uncertain: whether a POD served in one of the quarter-hours whose part is unknown and not in here.
    """

    perimeter: str
    changes: tuple[float | None, ...]
    responsible: tuple[int, ...]
    decisive: tuple[int, ...]
    uncertain: bool

    @property
    def most(self) -> float | None:
        """The largest change; None where one is unknown."""
        known = [change for change in self.changes if change is not None]
        return max(known, key=abs) if len(known) == len(self.changes) else None

    def as_document(self) -> dict[str, Any]:
        """The share as text and numbers."""
        return {
            "perimeter": self.perimeter,
            "changes": list(self.changes),
            "responsible": list(self.responsible),
            "decisive": list(self.decisive),
            "uncertain": self.uncertain,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One limit, hour and verdict.

    Attributes:
        limit: in words, with its bound.
        hour: delivery hour, from 0.
        quarters: quarter-hours of the day with this verdict.
        with_value, without_value: the values met with and without the activations in the quarter-hour where
            the limit is exceeded most: p.u. of a voltage, fraction of the rating of a loading; None where a
            run did not converge.
        uncertain: whether the part of a POD that served there is unknown.
        shares: of every perimeter that served there, in the order of the partition; none where a run did not
            converge.
    """

    limit: str
    hour: int
    verdict: Verdict
    quarters: tuple[int, ...]
    with_value: float | None
    without_value: float | None
    uncertain: bool
    shares: tuple[Share, ...] = ()

    @property
    def responsible(self) -> list[Share]:
        """The shares that made the verdict, in the order of the partition."""
        return [share for share in self.shares if share.responsible]

    def as_document(self) -> dict[str, Any]:
        """The finding as text and numbers."""
        return {
            "limit": self.limit,
            "hour": self.hour,
            "verdict": self.verdict.value,
            "quarters": list(self.quarters),
            "with": self.with_value,
            "without": self.without_value,
            "uncertain": self.uncertain,
            "shares": [share.as_document() for share in self.shares],
        }


@dataclass(frozen=True, slots=True)
class ExPost:
    """The check of a day.

    Attributes:
        findings: by hour, verdict and limit; empty where no limit was violated in either run.
        missing_readings: per POD the quarter-hours without a certified reading, at the forecast instead.
        missing_baselines: per POD the quarter-hours it served without a baseline.
        served_quarters: quarter-hours in which any POD served.
    """

    findings: tuple[Finding, ...]
    missing_readings: dict[str, int]
    missing_baselines: dict[str, int]
    served_quarters: int

    def count(self, verdict: Verdict) -> int:
        """Pairs of a limit and a quarter-hour with a verdict."""
        return sum(len(finding.quarters) for finding in self.findings if finding.verdict is verdict)

    def responsible(self) -> dict[str, Counter[Verdict]]:
        """Per perimeter and verdict the pairs of a limit and a quarter-hour that it is responsible for."""
        counts: dict[str, Counter[Verdict]] = {}
        for finding in self.findings:
            for share in finding.responsible:
                counts.setdefault(share.perimeter, Counter())[finding.verdict] += len(share.responsible)
        return counts

    def as_document(self) -> dict[str, Any]:
        """The check as text and numbers."""
        return {
            "served_quarters": self.served_quarters,
            "missing_readings": self.missing_readings,
            "missing_baselines": self.missing_baselines,
            "counts": {verdict.value: self.count(verdict) for verdict in Verdict},
            "responsible": {
                perimeter: {verdict.value: count for verdict, count in counts.items()}
                for perimeter, counts in self.responsible().items()
            },
            "findings": [finding.as_document() for finding in self.findings],
        }
