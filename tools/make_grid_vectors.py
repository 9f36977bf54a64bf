"""Small pandapower nets, each with one feature of the format, and pandapower's answers for them (needs
requirements-fixtures.lock, nothing at run time).

    python -m tools.make_grid_vectors        # writes tests/unit/grid/pandapower_nets.json.gz
"""

from __future__ import annotations

import gzip
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pandapower as pp  # type: ignore[import-not-found,import-untyped,unused-ignore]

from tools.grid_oracle import answers

OUT: Final = Path(__file__).resolve().parent.parent / "tests" / "unit" / "grid" / "pandapower_nets.json.gz"


def base(**transformer: Any) -> Any:
    """A 110/20 kV transformer, a line of 8 km and one of 5 km behind it, a load and a generator."""
    net = pp.create_empty_network(f_hz=transformer.pop("f_hz", 50.0))
    for name, volts in (("hv", 110.0), ("mv", 20.0), ("middle", 20.0), ("end", 20.0)):
        pp.create_bus(net, volts, name=name)
    pp.create_ext_grid(net, 0, vm_pu=1.02, va_degree=7.0, name="source")
    values = {
        "sn_mva": 25.0,
        "vn_hv_kv": 110.0,
        "vn_lv_kv": 20.5,
        "vk_percent": 11.2,
        "vkr_percent": 0.28,
        "pfe_kw": 14.0,
        "i0_percent": 0.6,
        "shift_degree": 150.0,
        "name": "T",
    }
    pp.create_transformer_from_parameters(net, 0, 1, **(values | transformer))
    for name, start, end, length in (("A", 1, 2, 8.0), ("B", 2, 3, 5.0)):
        pp.create_line_from_parameters(
            net, start, end, length, 0.32, 0.12, 250.0, 0.3, name=name, df=1.0, parallel=1
        )
    pp.create_load(net, 2, 3.0, 1.2, name="load")
    pp.create_sgen(net, 3, 1.5, 0.2, name="generator")
    return net


def taps(**values: Any) -> Any:
    """The base with a tap changer of ten steps of 1.5 % either way."""
    steps = {"tap_neutral": 0, "tap_min": -10, "tap_max": 10, "tap_step_percent": 1.5}
    return base(**({"tap_changer_type": "Ratio", "tap_side": "hv"} | steps | values))


def parallel() -> Any:
    """Parallel equipment with lowered ratings."""
    net = base(parallel=2, df=0.8)
    net.line["parallel"], net.line["df"] = [2, 3], [0.9, 0.7]
    return net


def line_conductance() -> Any:
    """Lines that leak, at 60 Hz."""
    net = base(f_hz=60.0)
    net.line["g_us_per_km"] = 3.0
    return net


def dependent_load(letter: str) -> Any:
    """A load of constant impedance (``z``) or current (``i``), alone at its bus: pandapower applies the
    shares to all that stands at a bus, generators too.
    """
    net = base()
    shares = {f"const_{letter}_p_percent": 100.0, f"const_{letter}_q_percent": 100.0}
    pp.create_load(net, 1, 4.0, 2.0, name="dependent", **shares)
    return net


def shunts() -> Any:
    """Capacitor and reactor, in steps, at another rated voltage, and one out of service."""
    net = base()
    pp.create_shunt(net, 2, q_mvar=-0.4, step=3, max_step=4, name="capacitor")
    pp.create_shunt(net, 3, q_mvar=0.9, p_mw=0.05, vn_kv=21.0, name="reactor")
    pp.create_shunt(net, 3, q_mvar=5.0, in_service=False, name="spare")
    return net


def open_line() -> Any:
    """A line open at one end stays energised; one open at both ends and one out of service do not count."""
    net = base()
    for name in ("C", "D", "E"):
        pp.create_line_from_parameters(net, 1, 3, 6.0, 0.32, 0.12, 250.0, 0.3, name=name)
    pp.create_switch(net, 3, 2, et="l", closed=False)
    pp.create_switch(net, 1, 2, et="l", closed=True)
    pp.create_switch(net, 1, 3, et="l", closed=False)
    pp.create_switch(net, 3, 3, et="l", closed=False)
    net.line.loc[4, "in_service"] = False
    return net


def open_transformer() -> Any:
    """A second transformer, open above and still magnetised from below; a third one out of service."""
    net = base()
    for name, in_service in (("T2", True), ("T3", False)):
        pp.create_transformer_from_parameters(
            net, 0, 1, 40.0, 110.0, 20.0, 0.3, 12.0, 30.0, 2.5, shift_degree=150, name=name,
            in_service=in_service,
        )  # fmt: skip
    pp.create_switch(net, 0, 1, et="t", closed=False)
    return net


def bus_switches() -> Any:
    """Buses joined by a chain of closed switches, beside an open one."""
    net = base()
    for name in ("section 1", "section 2"):
        pp.create_bus(net, 20.0, name=name)
    pp.create_switch(net, 5, 4, et="b", closed=True)
    pp.create_switch(net, 3, 5, et="b", closed=True)
    pp.create_switch(net, 2, 5, et="b", closed=False)
    pp.create_load(net, 4, 0.7, 0.1, name="behind")
    return net


def buses_out_of_service() -> Any:
    """A line to a bus out of service ends open; what stands at that bus and behind it does not count."""
    net = base()
    for name in ("dead", "dead too"):
        pp.create_bus(net, 20.0, name=name, in_service=False)
    for name, start, end in (("F", 3, 4), ("G", 4, 5)):
        pp.create_line_from_parameters(net, start, end, 12.0, 0.32, 0.12, 250.0, 0.3, name=name)
    pp.create_load(net, 4, 2.0, name="off")
    pp.create_switch(net, 2, 4, et="b", closed=True)
    return net


def elements() -> Any:
    """Storage, scaling, a slack generator, loads and generators out of service."""
    net = base()
    pp.create_storage(net, 3, -0.6, 2.0, q_mvar=-0.1, name="battery")
    pp.create_load(net, 3, 1.0, 0.4, scaling=0.35, name="scaled")
    pp.create_load(net, 3, 9.0, in_service=False, name="off")
    pp.create_gen(net, 3, 0.5, vm_pu=1.01, in_service=False, name="off too")
    net.ext_grid = net.ext_grid.iloc[0:0]
    pp.create_gen(net, 0, 0.0, vm_pu=1.03, slack=True, name="slack")
    return net


CASES: Final[dict[str, Callable[[], Any]]] = {
    "base": base,
    "no magnetisation": lambda: base(i0_percent=0.0, pfe_kw=0.0),
    "iron losses beyond the no-load current": lambda: base(i0_percent=0.01),
    "even clock": lambda: base(shift_degree=0.0),
    "tap, upper side": lambda: taps(tap_pos=-3),
    "tap, upper side, half a step": lambda: taps(tap_pos=-2.5),
    "tap, lower side": lambda: taps(tap_pos=4, tap_side="lv"),
    "tap, symmetrical": lambda: taps(tap_pos=2, tap_changer_type="Symmetrical"),
    "tap without a type": lambda: taps(tap_pos=-3, tap_changer_type=None),
    "parallel": parallel,
    "line conductance": line_conductance,
    "load of constant impedance": lambda: dependent_load("z"),
    "load of constant current": lambda: dependent_load("i"),
    "shunts": shunts,
    "open line": open_line,
    "open transformer": open_transformer,
    "bus switches": bus_switches,
    "buses out of service": buses_out_of_service,
    "elements": elements,
}


def case(make: Callable[[], Any], model: str) -> dict[str, Any]:
    """One net as pandapower writes it, and pandapower's answer read back from that."""
    net = make()
    net.std_types = {}
    if model != "t":
        pp.set_user_pf_options(net, trafo_model=model)
    document = json.loads(pp.to_json(net))
    return {"net": document, **answers(pp.from_json_string(json.dumps(document)))}


def main() -> None:
    """Write the vectors."""
    warnings.filterwarnings("ignore")
    cases = {name: case(make, "t") for name, make in CASES.items()}
    cases["pi model"] = case(base, "pi")
    content = {"pandapower": pp.__version__, "cases": cases}
    OUT.write_bytes(gzip.compress(json.dumps(content).encode(), compresslevel=9, mtime=0))
    print(f"{OUT}  {OUT.stat().st_size} bytes, {len(cases)} nets")


if __name__ == "__main__":
    main()
