"""One load of the engine per node in place of all loads and generators there (GRD-1).

What they draw adds up, so voltages and loadings are the same, and the engine has a third of the components to
update in every scenario. Elements whose power follows the voltage in another way stay apart.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from power_grid_model import ComponentType, DatasetType, LoadGenType, initialize_array

from registry.grid.network import Network

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_EXPONENT: Final = {LoadGenType.const_power: 0, LoadGenType.const_current: 1, LoadGenType.const_impedance: 2}
_KINDS: Final = ("sym_load", "sym_gen")


class NodeLoads:
    """The loads that stand for the elements of a network, sorted by node.

    Attributes:
        node: of each load.
        exponent: of each load: it draws its power times its voltage in p.u. to the power of this.
        element_exponent: the same of each element.
        in_service: which elements draw or inject anything; the others count with none of their power.
    """

    def __init__(self, network: Network) -> None:
        rows = [network.input[kind] for kind in _KINDS if kind in network.input]
        kinds, ids, status = (
            np.concatenate([np.zeros(0, dtype=np.int64), *(np.asarray(each[name]) for each in rows)])
            for name in ("type", "id", "status")
        )
        self.in_service: Bools = status == 1
        self.element_exponent: Ints = np.array([_EXPONENT[LoadGenType(kind)] for kind in kinds.tolist()])
        self._order = np.lexsort((self.element_exponent, network.element_node))
        pairs = np.stack([network.element_node, self.element_exponent])[:, self._order]
        new = np.ones(len(self._order), dtype=np.bool_)
        new[1:] = (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)
        self._starts = np.flatnonzero(new)
        self._sign = -network.element_sign[self._order] * self.in_service[self._order]
        self.node: Ints = pairs[0, self._starts]
        self.exponent: Ints = pairs[1, self._starts]
        self._rows = initialize_array(DatasetType.input, ComponentType.sym_load, len(self._starts))
        first = self._order[self._starts]
        self._rows["id"], self._rows["type"], self._rows["status"] = ids[first], kinds[first], 1
        self._rows["node"] = network.input["node"]["id"][self.node]
        self._rows["p_specified"] = self._rows["q_specified"] = 0.0

    def input(self, network: Network) -> dict[str, Any]:
        """Input of the engine with these loads, at no power."""
        rest = {kind: rows for kind, rows in network.input.items() if kind not in _KINDS}
        return rest | ({"sym_load": self._rows} if len(self._rows) else {})

    def drawn(self, power: Floats) -> Floats:
        """W or var that each load draws, ``[scenario, load]``, from ``[scenario, element]``."""
        drawn: Floats = np.add.reduceat(power[:, self._order] * self._sign, self._starts, axis=1)
        return drawn

    def turns(self, p_w: Floats, q_var: Floats, u: Complexes) -> tuple[Complexes, Complexes]:
        """How the current that is injected at each node with loads changes with its voltage: by how much per
        p.u., and per conjugate p.u.; kVA per p.u. of voltage each, ``[scenario, node with loads]``.
        """
        volts = u[:, self.node]
        power = -(self.drawn(p_w) + 1j * self.drawn(q_var)) / 1000.0
        half = self.exponent / 2.0
        current = np.conj(power / volts) * np.abs(volts) ** self.exponent
        first = np.unique(self.node, return_index=True)[1]
        return (
            np.add.reduceat(half * current / volts, first, axis=1),
            np.add.reduceat((half - 1.0) * current / np.conj(volts), first, axis=1),
        )
