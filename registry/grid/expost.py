"""Ex-post check of a delivery day: did activated flexibility cause or cure violations? (CIRED 2019, DSO)

Certified readings take the place of the forecast and the day is solved twice by AC power flow:

* *with*: every POD as its meter says;
* *without*: the same, but PODs that served a market stand at their baselines in the quarter-hours in which
  they served.

All else is equal, so what differs is the doing of the activations. For each limit and quarter-hour that
either run violates:

    violated with  without   verdict
             yes   no        caused
             no    yes       cured
             yes   yes       worsened or eased by more than 0.0001 of its unit, else untouched
             one run did not converge            unknown

A POD without a certified reading stands at the forecast in both runs, one that served without a baseline at
its reading in both. Their part is then unknown, and the verdicts of those quarter-hours are ``uncertain``.

Source: D'Adamo et al., CIRED 2019 paper 1662, *Next steps*: the DSO verifies ex post the services provided,
because it has the measures and the grid's configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from registry.grid.faults import Fault, GridInvalid
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.pods import net_injection_w
from registry.grid.powerflow import PowerFlow
from registry.grid.state import ExpectedState
from registry.grid.violations import TOLERANCE, Limits

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_MATTERS: Final = 1e-4


class Verdict(Enum):
    """What the activations did to a limit."""

    CAUSED = "caused"
    CURED = "cured"
    WORSENED = "worsened"
    EASED = "eased"
    UNTOUCHED = "untouched"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Observed:
    """What is known of a day afterwards, ``[POD, quarter-hour]`` in the order of the state's PODs.

    Attributes:
        metered_w: certified net injection, W; NaN where there is no reading.
        baseline_w: filed baseline, W; NaN where there is none.
        served: whether the POD served a market.
    """

    metered_w: Floats
    baseline_w: Floats
    served: Bools


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
    """

    limit: str
    hour: int
    verdict: Verdict
    quarters: tuple[int, ...]
    with_value: float | None
    without_value: float | None
    uncertain: bool


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

    def as_document(self) -> dict[str, Any]:
        """The check as text and numbers."""
        return {
            "served_quarters": self.served_quarters,
            "missing_readings": self.missing_readings,
            "missing_baselines": self.missing_baselines,
            "counts": {verdict.value: self.count(verdict) for verdict in Verdict},
            "findings": [
                {
                    "limit": finding.limit,
                    "hour": finding.hour,
                    "verdict": finding.verdict.value,
                    "quarters": list(finding.quarters),
                    "with": finding.with_value,
                    "without": finding.without_value,
                    "uncertain": finding.uncertain,
                }
                for finding in self.findings
            ],
        }


def expost(state: ExpectedState, flow: PowerFlow, limits: Limits, observed: Observed) -> ExPost:
    """Check a day.

    ``state`` is the forecast state without activations: it gives the grid, its PODs, and whatever no meter
    of a POD sees.

    Raises :class:`~registry.grid.faults.GridInvalid` where ``observed`` has another shape.
    """
    shape = (len(state.pods), state.quarters)
    for name, values in (
        ("metered_w", observed.metered_w),
        ("baseline_w", observed.baseline_w),
        ("served", observed.served),
    ):
        if values.shape != shape:
            fault = Fault("bad_shape", name, str(values.shape), f"{shape}, PODs and quarter-hours")
            raise GridInvalid("readings", [fault])
    expected = net_injection_w(state.network, state.pods, state.p_w).astype(np.float64)
    read = np.isfinite(observed.metered_w)
    based = np.isfinite(observed.baseline_w)
    metered = np.where(read, observed.metered_w, expected)
    idle = np.where(observed.served & read & based, observed.baseline_w, metered)
    quarters = np.arange(state.quarters)
    run_with = flow.solve(*state.scenarios(quarters, (metered - expected).T / 1000.0))
    run_without = flow.solve(*state.scenarios(quarters, (idle - expected).T / 1000.0))
    uncertain = np.asarray((observed.served & ~(read & based)).any(axis=0))
    judged = _Judged(limits, limits.values(run_with), limits.values(run_without), uncertain)
    keys = [pod.key for pod in state.pods]
    return ExPost(
        tuple(judged.findings(run_with.converged & run_without.converged)),
        _counts(keys, ~read),
        _counts(keys, observed.served & ~based),
        int(observed.served.any(axis=0).sum()),
    )


def _counts(keys: list[str], missing: Bools) -> dict[str, int]:
    return {key: int(row.sum()) for key, row in zip(keys, missing, strict=True) if row.any()}


@dataclass(frozen=True, eq=False)
class _Judged:
    """Values with and without activations, ``[quarter-hour, K]``."""

    limits: Limits
    having: Floats
    lacking: Floats
    uncertain: Bools

    def findings(self, solved: Bools) -> Iterator[Finding]:
        groups: dict[tuple[int, Verdict, int], list[int]] = {}
        for quarter in np.flatnonzero(~solved):
            groups.setdefault((int(quarter) // QUARTERS_PER_HOUR, Verdict.UNKNOWN, -1), []).append(
                int(quarter)
            )
        bounds = self.limits.bounds + TOLERANCE
        violated = ((self.having > bounds) | (self.lacking > bounds)) & solved[:, None]
        for quarter, limit in np.argwhere(violated):
            verdict = self._verdict(int(quarter), int(limit), float(bounds[limit]))
            groups.setdefault((int(quarter) // QUARTERS_PER_HOUR, verdict, int(limit)), []).append(
                int(quarter)
            )
        order = list(Verdict)
        for (hour, verdict, limit), quarters in sorted(
            groups.items(), key=lambda each: (each[0][0], order.index(each[0][1]), each[0][2])
        ):
            yield self._finding(hour, verdict, limit, quarters)

    def _verdict(self, quarter: int, limit: int, bound: float) -> Verdict:
        having, lacking = float(self.having[quarter, limit]), float(self.lacking[quarter, limit])
        if having > bound and lacking > bound:
            if abs(having - lacking) <= _MATTERS:
                return Verdict.UNTOUCHED
            return Verdict.WORSENED if having > lacking else Verdict.EASED
        return Verdict.CAUSED if having > bound else Verdict.CURED

    def _finding(self, hour: int, verdict: Verdict, limit: int, quarters: list[int]) -> Finding:
        uncertain = bool(self.uncertain[quarters].any())
        if limit < 0:
            return Finding(
                "power flow does not converge", hour, verdict, tuple(quarters), None, None, uncertain
            )
        most = np.maximum(self.having[quarters, limit], self.lacking[quarters, limit])
        worst = quarters[int(most.argmax())]
        return Finding(
            self.limits.describe(limit),
            hour,
            verdict,
            tuple(quarters),
            abs(float(self.having[worst, limit])),
            abs(float(self.lacking[worst, limit])),
            uncertain,
        )
