"""What a DSO can know of a delivery day afterwards: certified readings, filed baselines, and who served
(BAS-1, SES-3, STT-3; CIRED 2019).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from registry.domain.calendar import DeliveryDay
from registry.domain.errors import RuleViolation
from registry.domain.settlement_case import NO_READING, outcome_of_hour, serving_pods
from registry.domain.statements import NO_STATEMENT
from registry.ports import MeasurementLog, Mirror
from registry.services.certified_readings import certified_readings
from registry.services.recorder import Recorder, every
from registry.services.settle_day import filed_baselines, settlement_case

W_PER_WH_QUARTER = 4
"""Mean power of a quarter-hour in W or var, for an energy in Wh or varh."""


@dataclass(frozen=True, slots=True)
class ObservedPod:
    """One POD's day; one value per quarter-hour, net injection in W and var.

    Attributes:
        metered_w, metered_var: by certified readings, None where there is none that counts.
        baseline_w: as filed last before the gate, None if nothing was filed.
        served: quarter-hours in which it served a market, as bits.
    """

    pod_id: bytes
    metered_w: tuple[int | None, ...]
    metered_var: tuple[int | None, ...]
    baseline_w: tuple[int, ...] | None
    served: int


def observed_day(
    recorder: Recorder, log: MeasurementLog, day: DeliveryDay, pods: Iterable[bytes]
) -> dict[bytes, ObservedPod]:
    """The day of each of ``pods``.

    Raises:
        RuleViolation: TIM-1 while the day is not over, PRIV-3 for a baseline that this node cannot open.
    """
    now = recorder.clock.now()
    if now < day.ends_at:
        raise RuleViolation(
            rule="TIM-1",
            field="day",
            found=f"{day.date}, which ends at {day.ends_at:%Y-%m-%d %H:%M} UTC",
            allowed="a day that is over",
        )
    asked = tuple(pods)
    readings = certified_readings(recorder.mirror, log, day, asked)
    baselines = _baselines(recorder, day, asked)
    served = serving_quarters(recorder.mirror, day)
    found = {}
    for pod_id in asked:
        facts = [readings.get((pod_id, quarter), NO_READING) for quarter in range(day.quarters)]
        active, reactive = (
            tuple(None if energy is None else W_PER_WH_QUARTER * energy for energy in energies)
            for energies in ([fact.metered_wh for fact in facts], [fact.metered_varh for fact in facts])
        )
        filed = baselines.get(pod_id)
        baseline = None if filed is None else tuple(W_PER_WH_QUARTER * value for value in filed)
        found[pod_id] = ObservedPod(pod_id, active, reactive, baseline, served.get(pod_id, 0))
    return found


def _baselines(recorder: Recorder, day: DeliveryDay, pods: Iterable[bytes]) -> dict[bytes, tuple[int, ...]]:
    """The baseline of each POD that the BSP responsible for it on the day has filed (BAS-1, POD-5)."""
    of_bsp: dict[int, list[bytes]] = {}
    for pod_id in pods:
        row = recorder.mirror.pod(pod_id, day=day.number)
        if row is not None:
            of_bsp.setdefault(row.bsp, []).append(pod_id)
    found: dict[bytes, tuple[int, ...]] = {}
    for bsp, own in of_bsp.items():
        found |= filed_baselines(recorder.mirror, recorder.vault, day, bsp, own)
    return found


def serving_quarters(mirror: Mirror, day: DeliveryDay) -> dict[bytes, int]:
    """Per POD the quarter-hours (bits) in which it served a market, by the rules of settlement (SES-3)."""
    rows = every(lambda after, limit: mirror.selections(day.number, after=after, limit=limit))
    served: dict[bytes, int] = {}
    for aggregate, product in sorted({(row.aggregate, row.product) for row in rows}):
        case = settlement_case(mirror, NO_STATEMENT, aggregate, product, day, NO_STATEMENT)
        for perimeter in case.perimeters:
            for quarter in range(day.quarters):
                hour = day.hour_of_quarter(quarter)
                outcome = outcome_of_hour(perimeter.outcomes, day, hour)
                if outcome is None or not outcome.kw[hour]:
                    continue
                for pod_id in serving_pods(perimeter, day, hour, quarter, outcome.kw[hour]):
                    served[pod_id] = served.get(pod_id, 0) | 1 << quarter
    return served
