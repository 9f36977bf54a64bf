"""A BSP files what its PODs would do without being asked for anything (BAS-1, PRIV-2, PRIV-3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from registry.domain.baselines import BaselineMethod, require_filing_open
from registry.domain.calendar import DeliveryDay, unix
from registry.domain.commands import FileBaselines
from registry.domain.errors import RuleViolation
from registry.domain.market import BaselineFiling
from registry.ports import Receipt, Signer
from registry.services.recorder import Recorder
from registry.services.sealing import auditors, seal

FILINGS_PER_TRANSACTION = 200


def file_baselines(
    recorder: Recorder, bsp: int, signer: Signer, day: DeliveryDay, energies_wh: Mapping[bytes, Sequence[int]]
) -> list[Receipt]:
    """File nominated baselines for a delivery day.

    Args:
        energies_wh: per POD its net injection in Wh for each quarter-hour of the day.

    Raises:
        RuleViolation: BAS-1, the gate has closed, the day has another number of quarter-hours, or the POD
        is another BSP's;
            SES-1, the day is not scheduled.
    """
    schedule = recorder.mirror.day(day.number)
    if schedule is None:
        raise RuleViolation(
            rule="SES-1", field="day", found=day.date.isoformat(), allowed="a scheduled delivery day"
        )
    require_filing_open(unix(schedule.baseline_gate), unix(recorder.clock.now()))
    for pod_id, values in energies_wh.items():
        if len(values) != day.quarters:
            raise RuleViolation(
                rule="BAS-1",
                field="energy_wh",
                found=f"{len(values)} values for POD {pod_id.hex()}",
                allowed=f"{day.quarters}, one per quarter-hour of {day.date}",
            )
    readers = auditors(recorder.mirror)
    filings: list[BaselineFiling] = []
    for pod_id, values in sorted(energies_wh.items()):
        pod = recorder.mirror.pod(pod_id, day=day.number)
        operators = (pod.dso,) if pod is not None else ()
        payload = {
            "kind": "baseline",
            "pod_id": pod_id.hex(),
            "day": day.number,
            "method": BaselineMethod.NOMINATED.value,
            "energy_wh": list(values),
        }
        owners = (bsp, *operators, *readers)
        filings.append(BaselineFiling(pod_id, seal(recorder.vault, payload, owners, pod_id=pod_id)))
    return [
        recorder.record(
            FileBaselines(bsp, day.number, tuple(filings[start : start + FILINGS_PER_TRANSACTION])), signer
        )
        for start in range(0, len(filings), FILINGS_PER_TRANSACTION)
    ]
