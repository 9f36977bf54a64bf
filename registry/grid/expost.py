"""Ex-post check of a delivery day: did activated flexibility cause or cure violations, and whose was it?
(CIRED 2019, DSO)

Certified readings take the place of the forecast and the day is solved twice by AC power flow:

* *with*: every POD as its meter says, active and reactive;
* *without*: the same, but PODs that served a market stand at their baselines in the quarter-hours in which
  they served.

All else is equal, so what differs is the doing of the activations. Reactive power is the meter's in both
runs: baselines and orders are of active power. For each limit and quarter-hour that either run violates:

    violated with  without   verdict
             yes   no        caused
             no    yes       cured
             yes   yes       worsened or eased by more than 0.0001 of its unit, else untouched
             one run did not converge            unknown

Who is responsible: what each perimeter's activations changed the limit's value by (``expost_shares.py``), if
that goes the way of the verdict and is a tenth of the largest such change at least.

A POD without a certified reading stands at the forecast in both runs, one that served without a baseline at
its reading in both. Their part is then unknown, and the verdicts of those quarter-hours are ``uncertain``.

Source: D'Adamo et al., CIRED 2019 paper 1662, *Next steps*: the DSO verifies ex post the services provided,
because it has the measures and the grid's configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.expost_findings import ExPost, Finding, Share, Verdict
from registry.grid.expost_shares import DayValues, PerimeterChanges, moving, perimeter_changes
from registry.grid.faults import Fault, GridInvalid
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.pods import net_injection
from registry.grid.powerflow import PowerFlow
from registry.grid.state import ExpectedState
from registry.grid.violations import TOLERANCE, Limits

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_MATTERS: Final = 1e-4
_BEARS: Final = 0.1
"""Of the largest change: below it a perimeter is not responsible, as in lights of an expected violation."""
_WAY: Final = {Verdict.CAUSED: 1.0, Verdict.WORSENED: 1.0, Verdict.CURED: -1.0, Verdict.EASED: -1.0}
"""Which way a value went, of those whose verdict somebody is responsible for."""


@dataclass(frozen=True, eq=False)
class Observed:
    """What is known of a day afterwards, ``[POD, quarter-hour]`` in the order of the state's PODs.

    Attributes:
        metered_w: certified net injection, W; NaN where there is no reading.
        metered_var: of reactive power, var; NaN where there is no reading.
        baseline_w: filed baseline, W; NaN where there is none.
        served: whether the POD served a market.
    """

    metered_w: Floats
    metered_var: Floats
    baseline_w: Floats
    served: Bools


def expost(state: ExpectedState, flow: PowerFlow, limits: Limits, observed: Observed) -> ExPost:
    """Check a day.

    ``state`` is the forecast state without activations: it gives the grid, its PODs and perimeters, and
    whatever no meter of a POD sees.

    Raises :class:`~registry.grid.faults.GridInvalid` where ``observed`` has another shape.
    """
    _require_shape(observed, (len(state.pods), state.quarters))
    read = np.isfinite(observed.metered_w) & np.isfinite(observed.metered_var)
    based = np.isfinite(observed.baseline_w)
    metered = _as_metered(state, observed, read)
    acted = observed.served & read & based
    activation_kw = np.where(acted, observed.metered_w - observed.baseline_w, 0.0) / 1000.0
    quarters = np.arange(state.quarters)
    run_with = flow.solve(*metered.scenarios(quarters, np.zeros_like(activation_kw.T)))
    run_without = flow.solve(*metered.scenarios(quarters, -activation_kw.T))
    values = DayValues(limits.values(run_with), limits.values(run_without))
    bounds = limits.bounds + TOLERANCE
    solved = run_with.converged & run_without.converged
    violated = ((values.having > bounds) | (values.lacking > bounds)) & solved[:, None]
    changes = perimeter_changes(metered, activation_kw, violated, values, flow, limits)
    unknown = moving(state, observed.served & ~acted)
    served = moving(state, observed.served)
    judged = _Judged(limits, values, violated, state.partition.names, served, unknown, changes)
    keys = [pod.key for pod in state.pods]
    return ExPost(
        tuple(judged.findings(solved)),
        _counts(keys, ~read),
        _counts(keys, observed.served & ~based),
        int(observed.served.any(axis=0).sum()),
    )


def _require_shape(observed: Observed, shape: tuple[int, int]) -> None:
    for name, values in vars(observed).items():
        if values.shape != shape:
            fault = Fault("bad_shape", name, str(values.shape), f"{shape}, PODs and quarter-hours")
            raise GridInvalid("readings", [fault])


def _as_metered(state: ExpectedState, observed: Observed, read: Bools) -> ExpectedState:
    """The day with every POD at its reading, where it has one."""
    signs = state.network.element_sign[state.carrier][:, None]
    moved = []
    for power, metered in ((state.p_w, observed.metered_w), (state.q_var, observed.metered_var)):
        expected = net_injection(state.network, state.pods, power)
        power = power.copy()
        power[state.carrier] += np.where(read, metered - expected, 0.0) * signs
        moved.append(power)
    return replace(state, p_w=moved[0], q_var=moved[1])


def _counts(keys: list[str], missing: Bools) -> dict[str, int]:
    return {key: int(row.sum()) for key, row in zip(keys, missing, strict=True) if row.any()}


@dataclass(frozen=True, eq=False)
class _Judged:
    """Values and violated limits of a day, ``[quarter-hour, K]``; which perimeters served, and of which a
    part is unknown, ``[perimeter, quarter-hour]``.
    """

    limits: Limits
    values: DayValues
    violated: Bools
    perimeters: tuple[str, ...]
    served: Bools
    unknown: Bools
    changes: PerimeterChanges

    def findings(self, solved: Bools) -> Iterator[Finding]:
        groups: dict[tuple[int, Verdict, int], list[int]] = {}
        for quarter in np.flatnonzero(~solved):
            groups.setdefault((int(quarter) // QUARTERS_PER_HOUR, Verdict.UNKNOWN, -1), []).append(
                int(quarter)
            )
        for quarter, limit in np.argwhere(self.violated):
            verdict = self._verdict(int(quarter), int(limit))
            groups.setdefault((int(quarter) // QUARTERS_PER_HOUR, verdict, int(limit)), []).append(
                int(quarter)
            )
        order = list(Verdict)
        for (hour, verdict, limit), quarters in sorted(
            groups.items(), key=lambda each: (each[0][0], order.index(each[0][1]), each[0][2])
        ):
            yield self._finding(hour, verdict, limit, quarters)

    def _verdict(self, quarter: int, limit: int) -> Verdict:
        having, lacking = (float(each[quarter, limit]) for each in (self.values.having, self.values.lacking))
        bound = self._bound(limit)
        if having > bound and lacking > bound:
            if abs(having - lacking) <= _MATTERS:
                return Verdict.UNTOUCHED
            return Verdict.WORSENED if having > lacking else Verdict.EASED
        return Verdict.CAUSED if having > bound else Verdict.CURED

    def _bound(self, limit: int) -> float:
        return float(self.limits.bounds[limit]) + TOLERANCE

    def _finding(self, hour: int, verdict: Verdict, limit: int, quarters: list[int]) -> Finding:
        uncertain = bool(self.unknown[:, quarters].any())
        if limit < 0:
            return Finding(
                "power flow does not converge", hour, verdict, tuple(quarters), None, None, uncertain
            )
        having, lacking = self.values.having[quarters, limit], self.values.lacking[quarters, limit]
        worst = int(np.maximum(having, lacking).argmax())
        return Finding(
            self.limits.describe(limit),
            hour,
            verdict,
            tuple(quarters),
            abs(float(having[worst])),
            abs(float(lacking[worst])),
            uncertain,
            tuple(self._shares(verdict, limit, quarters)),
        )

    def _shares(self, verdict: Verdict, limit: int, quarters: list[int]) -> Iterator[Share]:
        change, out = self.changes.at(quarters, limit)
        toward = np.nan_to_num(change * _WAY.get(verdict, 0.0))
        bears = (toward > 0.0) & (toward >= _BEARS * toward.max(axis=1, keepdims=True))
        kept = out <= self._bound(limit)
        turned = {Verdict.CAUSED: kept, Verdict.CURED: ~kept}.get(verdict, np.zeros_like(kept))
        shown = self.limits.sign(limit) * change
        for number in np.flatnonzero(self.served[:, quarters].any(axis=1)):
            changes = tuple(float(value) if np.isfinite(value) else None for value in shown[:, number])
            responsible, decisive = (
                tuple(quarter for quarter, mark in zip(quarters, column, strict=True) if mark)
                for column in (bears[:, number], bears[:, number] & turned[:, number])
            )
            uncertain = bool(self.unknown[number, quarters].any())
            yield Share(self.perimeters[number], changes, responsible, decisive, uncertain)
