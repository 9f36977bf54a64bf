"""Which node of the power-flow engine stands for each bus of a pandapower net (GRD-1).

Closed bus-bus switches join their buses to one node, that of the bus that comes first; the others' names
become its aliases, and its voltage band is what all of them allow. A bus out of service is no node: a line
that leads to one ends open, so it gets a node of its own there, as pandapower does it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from registry.grid.faults import Fault
from registry.grid.pandapower_tables import Row, Tables


class Buses:
    """Nodes of a net, in the order of its bus table; ``rows`` grows by open ends."""

    def __init__(self, tables: Tables, ids: Iterator[int]) -> None:
        self.faults: list[Fault] = []
        self.rows: list[dict[str, Any]] = []
        self._ids = ids
        self._buses = {row.index: row for row in tables.of("bus")}
        self._names = unique_names(tables.of("bus"))
        self._node: dict[Any, int] = {}
        stands = self._joined(tables)
        for index, row in self._buses.items():
            if row.in_service and stands[index] == index:
                self._add(index, [bus for bus, first in stands.items() if first == index])

    def node(self, row: Row, column: str) -> int | None:
        """Id of the node that ``column`` of ``row`` refers to; None where that bus is out of service.

        Raises KeyError, after noting the fault, where there is no such bus.
        """
        bus = row.cells.get(column)
        if bus not in self._buses:
            self.faults.append(
                Fault("unknown_node", f"{row.where}, {column}", repr(bus), "index of a row of table bus")
            )
            raise KeyError(bus)
        return self._node.get(bus)

    def open_end(self, row: Row, column: str) -> int:
        """Id of a node made for the end of line ``row`` at a bus that is out of service."""
        bus = self._buses[row.cells[column]]
        end = next(self._ids)
        name = f"open end of {row.where} at {self._names[bus.index]}"
        self.rows.append({"id": end, "name": name, "u_rated": bus.number_or("vn_kv", 0.0) * 1e3})
        return end

    def rated_v(self, row: Row, column: str) -> float:
        """Rated voltage in V of the bus that ``column`` of ``row`` refers to."""
        return self._buses[row.cells[column]].number_or("vn_kv", 0.0) * 1e3

    def _joined(self, tables: Tables) -> dict[Any, Any]:
        order = {index: position for position, index in enumerate(self._buses)}
        stands = {index: index for index in self._buses}
        for switch in tables.of("switch"):
            if switch.cells.get("et") != "b" or not switch.flag("closed", default=True):
                continue
            ends = [switch.cells.get("bus"), switch.cells.get("element")]
            unknown = [
                (key, end) for key, end in zip(("bus", "element"), ends, strict=True) if end not in order
            ]
            self.faults += [
                Fault("unknown_node", f"{switch.where}, {key}", repr(end), "index of a row of table bus")
                for key, end in unknown
            ]
            if unknown or not all(self._buses[end].in_service for end in ends):
                continue
            if switch.number_or("z_ohm", 0.0) > 0.0:
                found = f"closed, z_ohm {switch.number('z_ohm')}"
                self.faults.append(
                    Fault("unsupported_component", switch.where, found, "z_ohm 0, or a line in its place")
                )
            first, second = sorted((stands[end] for end in ends), key=order.__getitem__)
            stands = {bus: first if kept == second else kept for bus, kept in stands.items()}
        return stands

    def _add(self, first: Any, group: list[Any]) -> None:
        rated = {self._buses[bus].number("vn_kv") for bus in group}
        if rated == {None}:
            self.faults.append(
                Fault("missing_value", f"{self._buses[first].where}, vn_kv", "None", "a finite number")
            )
        elif len(rated) > 1:
            found = ", ".join(f"{self._names[bus]} {self._buses[bus].number('vn_kv')}" for bus in group)
            self.faults.append(
                Fault("joined_voltages", self._buses[first].where, found, "one vn_kv behind closed switches")
            )
        number = next(self._ids)
        row = {"id": number, "name": self._names[first]}
        row["u_rated"] = self._buses[first].number_or("vn_kv", 1.0) * 1e3
        for key, column, tightest in (("u_min", "min_vm_pu", max), ("u_max", "max_vm_pu", min)):
            bands = [value for bus in group if (value := self._buses[bus].number(column)) is not None]
            if bands:
                row[key] = tightest(bands)
        if aliases := [self._names[bus] for bus in group if bus != first]:
            row["aliases"] = aliases
        self.rows.append(row)
        self._node |= dict.fromkeys(group, number)


def unique_names(rows: Iterable[Row]) -> dict[Any, str]:
    """A name for every row of one table by index: its own, with the index behind it where others have the
    same, or table and index where it has none.
    """
    listed = list(rows)
    return {row.index: name for row, name in zip(listed, names_of(listed), strict=True)}


def names_of(rows: list[Row]) -> list[str]:
    """As :func:`unique_names`, for rows of several tables that share their names."""
    counts = Counter(str(row.cells.get("name") or "") for row in rows)
    names = []
    for row in rows:
        own, place = str(row.cells.get("name") or ""), f"{row.table} {row.index}"
        names.append(place if not own else own if counts[own] == 1 else f"{own} ({place})")
    return names
