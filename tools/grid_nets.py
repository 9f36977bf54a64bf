"""The pandapower nets behind the grid fixtures, cut down to what a power flow needs (needs
requirements-fixtures.lock, nothing at run time).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pandapower  # type: ignore[import-not-found,import-untyped,unused-ignore]
import pandapower.networks  # type: ignore[import-not-found,import-untyped,unused-ignore]
import simbench  # type: ignore[import-not-found,import-untyped,unused-ignore]

from registry.grid.pods import Technology

TECHNOLOGIES: Final[dict[str, Technology]] = {
    "Wind_MV": "wind",
    "WP": "wind",
    "PV_MV": "pv",
    "PV": "pv",
    "lv_RES": "pv",
    "Biomass_MV": "biomass",
    "Hydro_MV": "hydro",
    # programmable like biomass, which is what the technology decides
    "Fuel cell": "biomass",
    "Residential fuel cell": "biomass",
    "CHP diesel": "biomass",
}
_TABLES: Final = ("bus", "load", "sgen", "storage", "switch", "ext_grid", "line", "trafo")


@dataclass(frozen=True, slots=True)
class Net:
    """A net and the operating points at which pandapower answers for it.

    Attributes:
        title: what the net is called where it comes from.
        quarters: of the day's profiles; empty where the net has none.
        factors: otherwise (load, generation) times the powers in the net.
        trafo_model: ``pi`` for the grid that is also committed as a power-grid-model document.
    """

    title: str
    make: Callable[[], Any]
    quarters: tuple[int, ...] = ()
    factors: tuple[tuple[float, float], ...] = ()
    trafo_model: str = "t"


def named(name: str) -> Net:
    """The net of a fixture's name or SimBench code; raises SystemExit for anything else."""
    if name in NETS:
        return NETS[name]
    if name in simbench.collect_all_simbench_codes():
        return _simbench(name)
    raise SystemExit(f"{name}: found neither a fixture ({', '.join(NETS)}) nor a SimBench code")


def _simbench(code: str, trafo_model: str = "t") -> Net:
    def make() -> Any:
        net = simbench.get_simbench_net(code)
        # SimBench states tap positions and no type of changer, without which pandapower 3 leaves them out
        net.trafo["tap_changer_type"] = "Ratio"
        return net

    return Net(code, make, quarters=(8, 36, 50, 56, 78), trafo_model=trafo_model)


def _cigre() -> Any:
    return pandapower.networks.create_cigre_network_mv(with_der="all")


def _oberrhein() -> Any:
    net = pandapower.networks.mv_oberrhein()
    net.load.scaling = net.sgen.scaling = 1.0  # the operating points scale
    return net


NETS: Final = {
    "simbench_rural": _simbench("1-MV-rural--1-sw", "pi"),
    "simbench_semiurb": _simbench("1-MV-semiurb--1-sw"),
    "simbench_urban": _simbench("1-MV-urban--1-sw"),
    "simbench_comm": _simbench("1-MV-comm--1-sw"),
    "cigre_mv": Net(
        "CIGRE MV with DER", _cigre, factors=((1.0, 0.0), (1.0, 1.0), (0.3, 1.0), (0.1, 3.0), (0.6, 0.5))
    ),
    "mv_oberrhein": Net(
        "MV Oberrhein", _oberrhein, factors=((0.6, 0.0), (0.1, 0.8), (0.3, 0.5), (0.0, 0.6), (0.5, 0.2))
    ),
}


def bare(net: Any, trafo_model: str) -> str:
    """The net as pandapower writes it, with the tables of a power flow only: no profiles, results,
    coordinates or standard types, which pandapower has resolved into the rows already.
    """
    small = pandapower.create_empty_network(name=net.name or "", f_hz=net.f_hz, sn_mva=net.sn_mva)
    small.std_types = {}
    for table in _TABLES:
        own = list(small[table].columns)  # the others in an order of their own: SimBench's varies
        others = sorted(set(net[table].columns) - {*own, "geo"})
        small[table] = net[table].reindex(columns=[c for c in own if c in net[table]] + others)
    lost = [
        name
        for name in pandapower.pp_elements()
        if name not in _TABLES and len(net.get(name, ())) and "in_service" in net[name]
    ]
    if lost:
        raise SystemExit(f"found elements that the fixture would lose: {', '.join(lost)}")
    if trafo_model != "t":
        pandapower.set_user_pf_options(small, trafo_model=trafo_model)
    return json.dumps(json.loads(pandapower.to_json(small)), separators=(",", ":"))
