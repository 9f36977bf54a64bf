"""Act 7: baselines before the gate, setpoints to the devices, certified readings back, anchors on the
ledger.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from registry.cli.demo.grid_day import WH_PER_W_QUARTER, GridDay
from registry.cli.demo.registering import DemoPod, pgui, working_pods
from registry.cli.demo.scenario import ACCESS_NODE, BSPS, DAY, DSO
from registry.cli.demo.stage import Stage
from registry.cli.outcome import DemoFailed
from registry.domain.calendar import ROME, from_unix, unix
from registry.domain.sessions import DaySchedule
from registry.services.anchor_checks import check_anchors
from registry.services.file_baselines import file_baselines
from registry.services.issue_setpoints import issue_setpoints, targets

OFFLINE_HOURS = (11, 16)
"""One device has no connection meanwhile: it misses the setpoints of a block, its clock drifts, and it
catches up.
"""
FAULTS = {
    "bad-clock": ("MEA-2", "a reading that is not aligned to a quarter-hour"),
    "fast-clock": ("MEA-2", "a reading of a period that is not over"),
    "replay": ("MEA-2", "another reading of a period already certified"),
    "reused-counter": ("MEA-2", "a reading with a counter already used"),
    "wrong-key": ("MEA-2", "a reading signed by a key that no DSO bound"),
    "tampered": ("MEA-2", "a reading with one figure changed after signing"),
    "wrong-pod": ("DEV-1", "a reading in the name of another POD"),
}
FAULTY_POD = 40
"""The first of the devices that misbehave; each kind of fault has one of its own."""


@dataclass
class Metering:
    """What the fleet has done so far."""

    certified: int = 0
    duplicates: int = 0
    setpoints: int = 0
    executions: int = 0
    anchors: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)


def file_all_baselines(stage: Stage) -> None:
    """Every BSP files what it expects of its PODs, before the gate (BAS-1)."""
    grid: GridDay = stage.facts["grid"]
    forecast = grid.forecast(1)
    pods = working_pods(stage)
    with stage.progress("baselines filed", len(pods)) as advance:
        for bsp in BSPS:
            own = {pod.pod_id: _baseline(grid, pod, forecast) for pod in pods if pod.bsp == bsp}
            file_baselines(stage.node.recorder, bsp, stage.signer(bsp), DAY, own)
            advance(len(own))
    stage.say(f"{len(pods)} baselines filed by {len(BSPS)} BSPs; the ledger holds their commitments")


def baselines_closed(stage: Stage) -> None:
    """After the gate nobody files."""
    pod = working_pods(stage)[0]
    grid: GridDay = stage.facts["grid"]
    schedule: DaySchedule = stage.facts["schedule"]
    stage.at(from_unix(schedule.baseline_gate))
    stage.refused(
        "BAS-1",
        "a BSP files a baseline after the gate",
        lambda: file_baselines(
            stage.node.recorder,
            pod.bsp,
            stage.signer(pod.bsp),
            DAY,
            {pod.pod_id: _baseline(grid, pod, grid.actual)},
        ),
    )


def at_block(stage: Stage, url: str, block: int) -> None:
    """At the start of a block (the end of the one before): setpoints for its hours, readings of the last,
    anchors.

    Args:
        block: 0 to 6; block 6 is the day's end.
    """
    metering: Metering = stage.facts.setdefault("metering", Metering())
    now = DAY.ends_at if block == 6 else DAY.hour_start(DAY.first_hour(block + 1))
    stage.at(now)
    if block < 6:
        hours = range(DAY.first_hour(block + 1), DAY.first_hour(block + 2) if block < 5 else DAY.hours)
        wanted = targets(stage.node.mirror, DAY, DSO, hours)
        issue_setpoints(stage.node.log, stage.node.platform(DSO), DAY, wanted)
    arguments = ["--server", url, "--until", str(unix(now)), *_offline(stage)]
    if block == 6:
        for number, kind in enumerate((*FAULTS, "duplicate")):
            arguments += ["--fault", f"{kind}={FAULTY_POD + number}"]
    summary = json.loads(pgui(stage, "run", *arguments).splitlines()[-1])
    metering.certified += summary["accepted"]
    metering.duplicates += summary["duplicates"]
    metering.setpoints += summary["setpoints"]
    metering.executions += summary["executions"]
    metering.refused += summary["refused"]
    if stage.node.anchorer(ACCESS_NODE).anchor() is not None:
        metering.anchors += 1
        stage.node.mirror.catch_up()
    checkpoint = stage.node.log.checkpoint()
    stage.say(
        f"{now.astimezone(ROME):%d.%m. %H:%M} local time: {summary['accepted']} statements certified, "
        f"{summary['setpoints']} setpoints taken, {summary['executions']} answered, "
        f"{summary['queued']} waiting offline; "
        f"log at {checkpoint.size}, root {checkpoint.root.hex()[:16]}… anchored"
    )


def sum_up(stage: Stage) -> None:
    """What was certified, and every forged statement with the reason of its refusal."""
    metering: Metering = stage.facts["metering"]
    for kind, (rule, attempt) in FAULTS.items():
        answers = [answer for answer in metering.refused if answer["fault"] == kind]
        if not answers or any(answer["rule"] != rule for answer in answers):
            raise DemoFailed(f"{attempt}: answered {answers}, expected a refusal by {rule}")
        first = answers[0]
        stage.add_refusal(
            f"a PGUI sends {attempt}",
            rule,
            f"{rule}: {first['field']}: found {first['found']}, allowed {first['allowed']}",
        )
    if metering.duplicates != 1:
        raise DemoFailed(f"found {metering.duplicates} duplicates, expected the one that was sent")
    stage.say("a statement sent twice was answered with its first receipt")
    unexpected = [answer for answer in metering.refused if answer["fault"] is None]
    if unexpected:
        raise DemoFailed(f"genuine statements were refused: {unexpected[:3]}")
    anchors = check_anchors(stage.node.mirror, stage.node.log)
    stage.say(f"{anchors} anchored checkpoints, each proved to have grown out of the one before")
    readings = len(working_pods(stage)) * DAY.quarters
    if metering.certified != readings + metering.executions:
        raise DemoFailed(
            f"found {metering.certified} statements, "
            f"expected {readings} readings and {metering.executions} answers"
        )
    stage.report["readings_certified"] = readings
    stage.report["anchors"] = metering.anchors
    stage.say(
        f"{readings} readings of {len(working_pods(stage))} PODs, {metering.setpoints} setpoints, "
        f"{metering.executions} answers; {metering.anchors} anchors"
    )


def _offline(stage: Stage) -> list[str]:
    start, end = (unix(DAY.hour_start(hour)) for hour in OFFLINE_HOURS)
    return ["--offline", f"{stage.facts['drifting']}:{start}:{end}"]


def _baseline(grid: GridDay, pod: DemoPod, forecast: Any) -> tuple[int, ...]:
    return tuple(watts // WH_PER_W_QUARTER for watts in grid.net_w(pod.grid, forecast))
