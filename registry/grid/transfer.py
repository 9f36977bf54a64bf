"""What injected currents do to voltages and branch currents: linear, and the same in every state (GRD-1).

Loads and generators aside, a grid is a linear circuit. One power flow per node tells what a current there
does, so every component that the engine models is covered. What injected *power* does in some state follows
from that: its current, and how the currents of all other loads turn with the voltages that it moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_ROUNDS: Final = 60
_SETTLED: Final = 1e-4
"""Part of the voltages: what a further round may change."""


@dataclass(frozen=True, eq=False)
class Transfer:
    """Per current injected at the nodes with loads, in kVA at 1 p.u.

    Attributes:
        nodes: the nodes with loads.
        voltage: phasors in p.u., ``[node, node with loads]``.
        current: current into each branch at its from and its to end, fraction of the rating at 1 p.u.,
            ``[2, branch, node with loads]``.
    """

    nodes: Ints
    voltage: Complexes
    current: Complexes

    def effects(
        self, columns: Ints, injected: Complexes, own: Complexes, conjugate: Complexes
    ) -> tuple[Complexes, Complexes, Bools]:
        """What a current injected at each of some nodes does in some points: voltages, ``[node, point,
        column]``, currents at all nodes with loads, ``[node with loads, point, column]``, and per point
        whether they settle.

        Args:
            columns: the nodes as positions among those with loads.
            injected: the current there, ``[point, column]``.
            own, conjugate: what voltages add to the currents (:meth:`NodeLoads.turns`).
        """
        first = np.take(self.voltage, columns, axis=1)[:, None] * np.ascontiguousarray(injected)
        size, volts, settled = _size(first), first, np.zeros(len(injected), dtype=np.bool_)
        for _ in range(_ROUNDS):
            before, there = volts, volts[self.nodes]
            follow = there.conj()
            follow *= conjugate.T[:, :, None]
            if own.any():
                follow += own.T[:, :, None] * there
            volts = (self.voltage @ follow.reshape(len(follow), -1)).reshape(first.shape)
            volts += first
            settled = _size(volts - before) <= _SETTLED * size
            if settled.all():
                break
        follow[columns, :, np.arange(len(columns))] += injected.T
        return volts, follow, settled


def _size(values: Complexes) -> Floats:
    """Root of the sum of squares, per point."""
    parts = values.view(np.float64)
    size: Floats = np.sqrt(np.einsum("npc,npc->p", parts, parts))
    return size
