"""What placements of flexibility do to the limits of a grid, by AC power flow (GRD-1).

Capabilities are held against thousands of placements, and many are the same: cells that move as a whole move
alike whichever POD goes first. Each is solved once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from registry.grid.powerflow import PowerFlow
from registry.grid.state import ExpectedState
from registry.grid.violations import Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def reached(
    quarters: Ints, moves_kw: Floats, state: ExpectedState, flow: PowerFlow, limits: Limits
) -> Floats:
    """What each limit reaches when PODs inject ``moves_kw``, ``[placement, POD]``, more than expected in
    ``quarters``: ``[placement, K]``, NaN where the power flow does not converge.
    """
    rows = np.column_stack([quarters, moves_kw])
    _, first, inverse = np.unique(
        rows.view(np.dtype((np.void, rows.strides[0]))).ravel(), return_index=True, return_inverse=True
    )
    return limits.values(flow.solve(*state.scenarios(quarters[first], moves_kw[first])))[inverse]
