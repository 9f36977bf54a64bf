"""Where else to start a linearised optimal power flow of reactive power: setpoints that circulate (GRD-1).

A branch that is overloaded by active power can be relieved a little once its own reactive power is
compensated: plants behind it that exchange reactive power with each other raise the losses there and the
voltage, so less flows back over the branch. No linear program finds that, because around setpoints without
circulation its first order is zero: losses are a square. From a start that circulates it is seen, and the
program goes on to where it does most.

What circulates most is read off the voltages: the effect of each provider on the voltage at each other is
about the common part of their ways to the source. Its strongest eigenvectors, after taking out what would
flow over the branch, say who gives and who takes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

PATTERNS: Final = 2
_TINY: Final = 1e-12


def circulations(mutual: Floats, over_branch: Complexes, around: Floats, low: Floats, high: Floats) -> Floats:
    """Starts ``[2 PATTERNS, provider]`` in kvar, each pattern and its opposite.

    Args:
        mutual: p.u. per kvar at the node of each provider, ``[provider, provider]``.
        over_branch: change of the branch's phasor per kvar.
        around: setpoints to which the circulation is added.
        low, high: least and most of each setpoint.
    """
    whole = over_branch.sum()
    along = (over_branch * np.conj(whole)).real
    aside = np.eye(len(along)) - np.outer(along, along) / max(float(along @ along), _TINY**3)
    _, vectors = np.linalg.eigh(aside @ (mutual + mutual.T) @ aside)
    starts = []
    for pattern in vectors.T[::-1][:PATTERNS]:
        size = np.abs(pattern)
        share = np.minimum(size / max(float(np.median(size)), _TINY), 1.0)
        for sign in (1.0, -1.0):
            setpoints = np.where(sign * pattern > 0.0, high, low) * share
            given, taken = (float(np.maximum(way * along * setpoints, 0.0).sum()) for way in (1.0, -1.0))
            less = np.where(setpoints * along > 0.0, taken, given) / max(given, taken, _TINY**3)
            balanced = setpoints * np.minimum(less, 1.0)
            starts.append(np.clip(around + balanced, low, high))
    return np.array(starts)
