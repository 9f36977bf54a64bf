"""Acts 3 and 4: the grid becomes PODs and perimeters; registration, static lights, devices."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from rich.table import Table

from registry.cli.demo.grid_day import GridDay
from registry.cli.demo.scenario import BSPS, DAY, DSO, OTHER_DSO
from registry.cli.demo.stage import Stage, counted
from registry.cli.outcome import DemoFailed
from registry.domain.calendar import unix
from registry.domain.commands import BindDevices, DeclarePerimeters, GiveStaticLights
from registry.domain.devices import Binding
from registry.domain.identifiers import bytes32_text, perimeter_id
from registry.domain.lights import PerimeterDraft
from registry.domain.pods import NO_REASON, PodCategory, StaticLight, StaticLightDecision, VoltageLevel
from registry.grid.pods import GridPod
from registry.services.register_pods import PodApplication, register_pods

BATCH = 100
STRAY_NODE = "MV1.101 Bus 999"
STRAINED_FEEDER = "MV1.101 Line 37"
"""Its voltage needs local flexibility at noon; the largest POD that serves there has the poor clock."""
DRIFT_PPM = 205
"""A poor clock: five seconds off, and so no longer trusted, less than seven hours after it was last set
right.
"""
OVERSTATED = 3
"""PODs that declare half as much again as stands behind them: the DSO modulates them."""


@dataclass(frozen=True)
class DemoPod:
    """A POD of the demo: what the grid knows of it, who is responsible, and its pseudonym."""

    grid: GridPod
    code: str
    bsp: int
    perimeter: int
    pod_id: bytes = b""


def load_pods(stage: Stage) -> None:
    """Act 3: PODs and perimeters from the grid."""
    day = GridDay.load()
    perimeters = {name: perimeter_id(DSO, number) for number, name in enumerate(day.perimeters, start=1)}
    feeder_of = {key: name for name, keys in day.perimeters.items() for key in keys}
    declared = [
        replace(pod, up_kw=pod.up_kw * 3 // 2, down_kw=pod.down_kw * 3 // 2) if number < OVERSTATED else pod
        for number, pod in enumerate(day.pods)
    ]
    # One POD is said to be where the grid has no node: the DSO has to invalidate it.
    declared.append(replace(day.pods[-1], key="MV1.101 Load 999", node=STRAY_NODE))
    pods = [
        DemoPod(
            grid=pod,
            code=f"IT001E{number:08d}",
            bsp=BSPS[number % len(BSPS)],
            perimeter=perimeters[feeder_of.get(pod.key, next(iter(perimeters)))],
        )
        for number, pod in enumerate(declared)
    ]
    stage.facts |= {"grid": day, "perimeters": perimeters, "pods": pods}
    table = Table(box=None, padding=(0, 2))
    for column in ("perimeter (feeder)", "PODs", "up kW", "down kW"):
        table.add_column(column, justify="left" if column.startswith("per") else "right")
    for name in perimeters:
        members = [pod.grid for pod in pods if feeder_of.get(pod.grid.key) == name]
        table.add_row(
            name, str(len(members)), str(sum(p.up_kw for p in members)), str(sum(p.down_kw for p in members))
        )
    stage.say(
        f"SimBench grid 1-MV-rural--1-sw: {len(day.network.node_names)} nodes; "
        f"{len(pods)} PODs of {len(BSPS)} BSPs"
    )
    stage.console.print(table)
    drafts = tuple(PerimeterDraft(perimeter, (), bytes(32)) for perimeter in perimeters.values())
    stage.node.recorder.record(DeclarePerimeters(DSO, drafts), stage.signer(DSO))
    stage.refused(
        "DTL-1",
        f"DSO {OTHER_DSO} declares a perimeter on the grid of DSO {DSO}",
        lambda: stage.node.recorder.record(
            DeclarePerimeters(OTHER_DSO, (PerimeterDraft(perimeter_id(DSO, 99), (), bytes(32)),)),
            stage.signer(OTHER_DSO),
        ),
    )


def register_all(stage: Stage) -> None:
    """Act 4, first part: each BSP registers its PODs, once, at one entry point (POD-1)."""
    pods: list[DemoPod] = stage.facts["pods"]
    registered: dict[str, bytes] = {}
    with stage.progress("PODs registered", len(pods)) as advance:
        for bsp in BSPS:
            own = [pod for pod in pods if pod.bsp == bsp]
            for start in range(0, len(own), BATCH):
                batch = own[start : start + BATCH]
                done = register_pods(
                    stage.node.recorder, bsp, stage.signer(bsp), [_application(pod) for pod in batch]
                )
                registered.update({pod.code: pod_id for pod, pod_id in zip(batch, done.pod_ids, strict=True)})
                advance(len(batch))
    stage.facts["pods"] = [replace(pod, pod_id=registered[pod.code]) for pod in pods]
    stage.report["pods"] = len(pods)
    stage.say(f"{len(pods)} PODs on the ledger by pseudonym; codes, salts and positions in the vault")
    stage.refused(
        "POD-1",
        f"BSP {BSPS[1]} registers a POD that BSP {BSPS[0]} has registered",
        lambda: register_pods(stage.node.recorder, BSPS[1], stage.signer(BSPS[1]), [_application(pods[0])]),
    )


def give_static_lights(stage: Stage) -> None:
    """Act 4, second part: the DSO checks each declared power by power flow (POD-2)."""
    pods: list[DemoPod] = stage.facts["pods"]
    day: GridDay = stage.facts["grid"]
    advices = {advice.pod: advice for advice in day.static_lights([pod.grid for pod in pods])}
    decisions, granted = [], []
    for pod in pods:
        advice = advices[pod.grid.key]
        word = {
            StaticLight.CONFIRMED: "",
            StaticLight.MODULATED: "GRID LIMIT",
            StaticLight.INVALIDATED: "NOT ON THE GRID",
        }
        if advice.light is StaticLight.MODULATED and "stand behind" in advice.reason:
            word[StaticLight.MODULATED] = "RATED POWER"
        reason = word[advice.light]
        decisions.append(
            StaticLightDecision(
                pod.pod_id,
                advice.light,
                advice.up_kw,
                advice.down_kw,
                pod.perimeter,
                bytes32_text(reason) if reason else NO_REASON,
            )
        )
        granted.append(replace(pod, grid=replace(pod.grid, up_kw=advice.up_kw, down_kw=advice.down_kw)))
        if advice.light is StaticLight.INVALIDATED:
            stage.say(f"invalidated: {pod.grid.key}: {advice.reason}")
    modulated = next(a for a in advices.values() if a.light is StaticLight.MODULATED)
    stage.say(f"modulated, for instance: {modulated.pod}: {modulated.reason}")
    for start in range(0, len(decisions), BATCH):
        stage.node.recorder.record(
            GiveStaticLights(DSO, tuple(decisions[start : start + BATCH])), stage.signer(DSO)
        )
    stage.facts["pods"] = granted
    stage.say("static lights: " + counted(Counter(advice.light.name.lower() for advice in advices.values())))
    first = next(d for d in decisions if d.light is StaticLight.CONFIRMED)
    stage.refused(
        "POD-2",
        "the DSO grants more than was declared",
        lambda: stage.node.recorder.record(
            GiveStaticLights(
                DSO,
                (
                    replace(
                        first, light=StaticLight.MODULATED, up_kw=first.up_kw + 1, reason=bytes32_text("X")
                    ),
                ),
            ),
            stage.signer(DSO),
        ),
    )


def bind_devices(stage: Stage) -> None:
    """Act 4, third part: each PGUI makes its own key; the DSO binds the public half to the POD (DEV-1)."""
    pods = working_pods(stage)
    day: GridDay = stage.facts["grid"]
    platform = stage.node.platform(DSO).public_key().public_numbers()
    fleet: dict[str, Any] = {
        "start": unix(DAY.starts_at),
        "setpoint_keys": [{"x": f"{platform.x:064x}", "y": f"{platform.y:064x}"}],
        "pods": [_fleet_entry(number, pod, day) for number, pod in enumerate(pods)],
    }
    strained = stage.facts["perimeters"][STRAINED_FEEDER]
    candidates = [n for n, pod in enumerate(pods) if pod.bsp == BSPS[0] and pod.perimeter == strained]
    drifting = min(candidates, key=lambda n: (-pods[n].grid.down_kw, pods[n].pod_id))
    fleet["pods"][drifting]["drift_ppm"] = DRIFT_PPM
    stage.facts["drifting"] = drifting
    file = stage.folder / "fleet.json"
    file.write_text(json.dumps(fleet), encoding="utf-8")
    pgui(stage, "make-fleet", "--pods", str(file))
    keys = json.loads((stage.folder / "pgui" / "keys.json").read_text(encoding="utf-8"))
    bindings = tuple(
        Binding(
            bytes.fromhex(key["pod_id"]),
            bytes.fromhex(key["key_x"]),
            bytes.fromhex(key["key_y"]),
            unix(stage.clock.now()),
            unix(DAY.plus(365).starts_at),
        )
        for key in keys
    )
    for start in range(0, len(bindings), BATCH):
        stage.node.recorder.record(BindDevices(DSO, bindings[start : start + BATCH]), stage.signer(DSO))
    stage.say(
        f"{len(bindings)} PGUI keys bound; the private halves are in {stage.folder / 'pgui'}, on the devices"
    )
    stage.refused(
        "DEV-1",
        f"DSO {OTHER_DSO} binds a device on the grid of DSO {DSO}",
        lambda: stage.node.recorder.record(BindDevices(OTHER_DSO, bindings[:1]), stage.signer(OTHER_DSO)),
    )


def working_pods(stage: Stage) -> list[DemoPod]:
    """PODs whose static light grants power."""
    return [pod for pod in stage.facts["pods"] if pod.grid.up_kw or pod.grid.down_kw]


def pgui(stage: Stage, command: str, *arguments: str) -> str:
    """Run the simulated PGUIs, a program of their own, and return what they print.

    Raises:
        DemoFailed: the program failed; its last words are in the message.
    """
    program = [sys.executable, "-m", "pgui_sim", command, "--state", str(stage.folder / "pgui"), *arguments]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoFailed(f"pgui_sim {command}: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def _application(pod: DemoPod) -> PodApplication:
    technologies = tuple(sorted({element.technology for element in pod.grid.elements}))
    category = (
        PodCategory.CONSUMPTION
        if technologies == ("load",)
        else PodCategory.MIXED
        if "load" in technologies
        else PodCategory.PRODUCTION
    )
    return PodApplication(
        pod_code=pod.code,
        dso=DSO,
        category=category,
        voltage=VoltageLevel.MEDIUM,
        up_kw=pod.grid.up_kw,
        down_kw=pod.grid.down_kw,
        activation_time_s=300,
        position="44.388889,7.547778",
        technologies=technologies,
    )


def _fleet_entry(number: int, pod: DemoPod, day: GridDay) -> dict[str, object]:
    net = day.net_w(pod.grid, day.actual)
    return {
        "pod_id": pod.pod_id.hex(),
        "pod_index": number,
        "profile": {
            "import_w": [max(-w, 0) for w in net],
            "export_w": [max(w, 0) for w in net],
            "q_var": day.drawn_var(pod.grid, day.actual),
        },
        "up_w": pod.grid.up_kw * 1000,
        "down_w": pod.grid.down_kw * 1000,
        "ems": {
            "delay_s": 5 + number % 20,
            "ramp_w_per_s": 5_000,
            "follow_ppm": 1_000_000 - 30_000 * (number % 5),
            "refuse": False,
        },
        "noise_ppm": 2_000,
        "drift_ppm": 20,
    }
