"""A pandapower net as a power-grid-model input document (GRD-1).

What the engine cannot represent is named, never left out: any table with an ``in_service`` column and a row
in service that is not converted here, generators that hold a voltage, tap changers that turn the phase or
follow a table, loads of mixed voltage dependence, switches with an impedance.

Conventions of pandapower that are kept: an open switch at a line or transformer opens that end only, the
rest stays energised; ``parallel`` equipment acts as one of that multiple; ``df`` lowers a rating; a tap
changer without ``tap_changer_type`` does not act (files before pandapower 3 have no such column; there it
does). The clock of a transformer is ``shift_degree``. An external grid is stiff. A storage is a generator of
the opposite sign.

Source: pandapower documentation, *Datastructure and Elements*; power-grid-model documentation, *Components*.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from registry.grid.faults import Fault
from registry.grid.pandapower_buses import Buses, names_of
from registry.grid.pandapower_tables import Row, Tables, read_tables
from registry.grid.pandapower_trafo import rating_faults, transformer_row

STIFF_SOURCE_VA: Final = 1e18
"""Short-circuit power of an external grid: pandapower holds its voltage whatever the load."""
ENGINE_HZ: Final = 50.0
_BRANCH_ENDS: Final = {"line": ("from_bus", "to_bus"), "trafo": ("hv_bus", "lv_bus")}
_SWITCHED: Final = {"line": "l", "trafo": "t"}
_CONVERTED: Final = frozenset({"bus", "load", "sgen", "storage", "gen", "ext_grid", "line", "trafo", "shunt"})


def pandapower_document(document: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """The input document of a parsed pandapower file, and the faults found on the way.

    Rows with a fault are left out of the document, so that the rest can be checked too.
    """
    tables, faults = read_tables(document)
    converter = _Converter(tables)
    data = converter.data()
    head = {"version": "1.0", "type": "input", "is_batch": False, "attributes": {}}
    return {**head, "data": data}, [*faults, *converter.faults, *_unsupported(tables)]


def _unsupported(tables: Tables) -> Iterator[Fault]:
    for name, rows in tables.rows.items():
        if name in _CONVERTED:
            continue
        active = [row for row in rows if "in_service" in row.cells and row.in_service]
        if active:
            found = f"{len(active)} in service, the first {active[0].where}"
            yield Fault("unsupported_component", name, found, ", ".join(sorted(_CONVERTED)))


class _Converter:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._ids = itertools.count(1)
        self._buses = Buses(tables, self._ids)
        self._own: list[Fault] = []
        self._open = self._open_ends()

    @property
    def faults(self) -> list[Fault]:
        return [*self._buses.faults, *self._own]

    def data(self) -> dict[str, list[dict[str, Any]]]:
        branches = self._named("line", "trafo")
        lines = [row for row in self._all(branches, "line", self._line) if row]
        transformers = [row for row in self._all(branches, "trafo", self._transformer) if row]
        sources = [*self._sources()]
        elements = self._named("load", "sgen", "storage")
        loads = self._all(elements, "load", self._element)
        generators = [
            *self._all(elements, "sgen", self._element),
            *self._all(elements, "storage", self._element),
        ]
        shunts = self._all(self._named("shunt"), "shunt", self._shunt)
        data = {
            "node": self._buses.rows,
            "line": lines,
            "transformer": transformers,
            "source": sources,
            "sym_load": loads,
            "sym_gen": generators,
            "shunt": shunts,
        }
        return {kind: rows for kind, rows in data.items() if rows or kind in ("node", "source")}

    def _named(self, *tables: str) -> list[tuple[Row, str]]:
        rows = [row for table in tables for row in self._tables.of(table)]
        return list(zip(rows, names_of(rows), strict=True))

    def _all(self, named: list[tuple[Row, str]], table: str, convert: Any) -> list[dict[str, Any]]:
        converted = []
        for row, name in named:
            if row.table == table:
                try:
                    result = convert(row, name)
                except KeyError:  # noted as a fault where it was raised
                    continue
                if result is not None:
                    converted.append(result)
        return converted

    def _numbers(self, row: Row, *columns: str) -> list[float]:
        """The cells as numbers; raises KeyError, after noting each, where one is none."""
        missing = [column for column in columns if row.number(column) is None]
        self._own += [
            Fault("missing_value", f"{row.where}, {column}", repr(row.cells.get(column)), "a finite number")
            for column in missing
        ]
        if missing:
            raise KeyError(missing[0])
        return [row.number_or(column, math.nan) for column in columns]

    # ------------------------------------------------------------------------------------------ branches

    def _open_ends(self) -> set[tuple[str, Any, Any]]:
        """Open switches at lines and transformers as (table, index, bus)."""
        ends = {
            (table, row.index): [row.cells.get(column) for column in columns]
            for table, columns in _BRANCH_ENDS.items()
            for row in self._tables.of(table)
        }
        opened = set()
        for switch in self._tables.of("switch"):
            kind, element, bus = (switch.cells.get(key) for key in ("et", "element", "bus"))
            table = next((name for name, letter in _SWITCHED.items() if letter == kind), None)
            if table is None:
                if kind not in ("b", "t3"):
                    self._own.append(Fault("unknown_switch", f"{switch.where}, et", repr(kind), "b, l or t"))
                continue
            if bus not in ends.get((table, element), []):
                found = f"bus {bus!r} of {table} {element!r}"
                self._own.append(
                    Fault("unknown_end", switch.where, found, f"an end of a {table} of this net")
                )
            elif not switch.flag("closed", default=True):
                opened.add((table, element, bus))
        return opened

    def _ends(self, row: Row) -> dict[str, Any] | None:
        """Ends and their status; None where a bus out of service takes the branch out altogether."""
        columns = _BRANCH_ENDS[row.table]
        nodes = [self._node(row, column) for column in columns]
        states = [
            int(row.in_service and (row.table, row.index, row.cells[column]) not in self._open)
            for column in columns
        ]
        if None in nodes:
            if row.table != "line" or nodes == [None, None] or not all(states):
                return None
            nodes = [
                self._buses.open_end(row, column) if node is None else node
                for node, column in zip(nodes, columns, strict=True)
            ]
        return {
            "from_node": nodes[0],
            "to_node": nodes[1],
            "from_status": states[0],
            "to_status": states[1],
        }

    def _node(self, row: Row, column: str) -> int | None:
        return self._buses.node(row, column)

    def _line(self, row: Row, name: str) -> dict[str, Any] | None:
        ends = self._ends(row)
        parallel, factor = row.number_or("parallel", 1.0), row.number_or("df", 1.0)
        rating = row.number("max_i_ka")
        if rating is None:
            found = repr(row.cells.get("max_i_ka"))
            self._own.append(
                Fault("missing_rating", f"{row.where}, max_i_ka", found, "rated current in kA, above 0")
            )
        length, r, x, c = self._numbers(row, "length_km", "r_ohm_per_km", "x_ohm_per_km", "c_nf_per_km")
        g = row.number_or("g_us_per_km", 0.0)
        if g and not c:
            self._own.append(
                Fault(
                    "unsupported_component", f"{row.where}, g_us_per_km", str(g), "0 where c_nf_per_km is 0"
                )
            )
        if parallel < 1:
            self._own.append(Fault("bad_value", f"{row.where}, parallel", str(parallel), "1 or more"))
        if rating is None or parallel < 1 or ends is None:
            return None
        return {
            "id": next(self._ids),
            "name": name,
            **ends,
            "r1": r * length / parallel,
            "x1": x * length / parallel,
            # the engine computes at 50 Hz: the same susceptance there
            "c1": c * 1e-9 * length * parallel * (self._tables.f_hz / ENGINE_HZ),
            "tan1": g * 1e-6 / (2 * math.pi * self._tables.f_hz * c * 1e-9) if g and c else 0.0,
            "i_n": rating * 1e3 * parallel * factor,
        }

    def _transformer(self, row: Row, name: str) -> dict[str, Any] | None:
        ends = self._ends(row)
        self._own += rating_faults(row) if row.in_service else ()
        columns = ("sn_mva", "vn_hv_kv", "vn_lv_kv", "vk_percent", "vkr_percent", "pfe_kw", "i0_percent")
        self._numbers(row, *columns)
        if ends is None:
            return None
        return {"id": next(self._ids), "name": name, **ends, **transformer_row(row, self._tables.trafo_model)}

    # ------------------------------------------------------------------------------- what stands at a node

    def _sources(self) -> Iterator[dict[str, Any]]:
        for row in (*self._tables.of("ext_grid"), *self._tables.of("gen")):
            if not row.in_service:
                continue
            if row.table == "gen" and not row.flag("slack", default=False):
                allowed = "slack, or an sgen: a generator that holds a voltage has no counterpart here"
                self._own.append(Fault("unsupported_component", row.where, "voltage-controlling", allowed))
                continue
            try:
                node = self._node(row, "bus")
                (voltage,) = self._numbers(row, "vm_pu")
            except KeyError:
                continue
            if node is None:
                continue
            angle = math.radians(row.number_or("va_degree", 0.0))
            source = {"id": next(self._ids), "node": node, "status": 1, "u_ref": voltage}
            yield source | ({"u_ref_angle": angle} if angle else {}) | {"sk": STIFF_SOURCE_VA}

    def _element(self, row: Row, name: str) -> dict[str, Any] | None:
        node = self._node(row, "bus")
        active, reactive = self._numbers(row, "p_mw", "q_mvar")
        kind = self._dependence(row) if row.in_service else 0
        if node is None:
            return None
        factor = row.number_or("scaling", 1.0) * (-1e6 if row.table == "storage" else 1e6)
        element = {
            "id": next(self._ids),
            "name": name,
            "node": node,
            "status": int(row.in_service),
            "type": kind,
            "p_specified": active * factor,
            "q_specified": reactive * factor,
        }
        rating = row.number_or("sn_mva", 0.0)
        return element | ({"rated_w": round(rating * 1e6)} if rating > 0 else {})

    def _dependence(self, row: Row) -> int:
        """0 for constant power, 1 for constant impedance, 2 for constant current."""
        shares = {
            (letter, part): row.number_or(f"const_{letter}_{part}percent", 0.0)
            for letter in "zi"
            for part in ("", "p_", "q_")
        }
        for kind, letter in ((1, "z"), (2, "i")):
            own = {part: shares[(letter, part)] for part in ("", "p_", "q_")}
            others = [share for (other, _), share in shares.items() if other != letter]
            if not any(others) and (own[""] == 100.0 or (own["p_"] == 100.0 and own["q_"] == 100.0)):
                return kind
        if any(shares.values()):
            found = ", ".join(f"const_{a}_{b}percent {share:g}" for (a, b), share in shares.items() if share)
            self._own.append(
                Fault("unsupported_component", row.where, found, "all power, all impedance or all current")
            )
        return 0

    def _shunt(self, row: Row, _: str) -> dict[str, Any] | None:
        node = self._node(row, "bus")
        active, reactive = self._numbers(row, "p_mw", "q_mvar")
        if row.flag("step_dependency_table", default=False):
            self._own.append(
                Fault("unsupported_component", f"{row.where}, step_dependency_table", "true", "false")
            )
        if node is None:
            return None
        rated_v = row.number_or("vn_kv", self._buses.rated_v(row, "bus") / 1e3) * 1e3
        if rated_v <= 0.0:
            self._own.append(Fault("bad_value", f"{row.where}, vn_kv", str(rated_v / 1e3), "above 0"))
            return None
        siemens = row.number_or("step", 1.0) * 1e6 / rated_v / rated_v
        return {
            "id": next(self._ids),
            "node": node,
            "status": int(row.in_service),
            "g1": active * siemens,
            "b1": -reactive * siemens,
        }
