"""The DSO platform turns selections into signed setpoints, one per POD and delivery period (SET-1,
D4.1 §7.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from registry.domain.calendar import QUARTER_S, DeliveryDay, unix
from registry.domain.identifiers import owner_of_perimeter
from registry.domain.sessions import Market
from registry.domain.settlement_case import outcome_of_hour, serving_pods
from registry.evidence.payloads import Setpoint
from registry.evidence.statements import sign
from registry.ports import Accepted, MeasurementLog, Mirror
from registry.services.perimeter_cases import perimeter_case
from registry.services.recorder import every
from registry.views import SelectionView

W_PER_KW = 1000


@dataclass(frozen=True, slots=True)
class PodTarget:
    """What one POD shall change in one quarter-hour of the day: watts against its baseline, up positive."""

    pod_id: bytes
    quarter: int
    power_w: int


def targets(mirror: Mirror, day: DeliveryDay, dso: int, hours: range) -> list[PodTarget]:
    """Split what was selected in the DSO's perimeters over the PODs that serve it, in proportion to their
    granted power.

    The split is exact: watts left over by division go to the PODs in the order of their ids, so that the
    sum is what was selected. A selection beyond these PODs' power (a shortfall) asks each for all it
    was granted.

    Where the declaration was not completed, all PODs of the aggregate serve that can and that the other
    market does not have (SES-3), as settlement sees it: ask when the session's declaration is due.

    Args:
        hours: hours of the day to cover.

    Returns:
        One target per POD and quarter-hour, ordered by quarter and POD.
    """
    found: dict[tuple[int, bytes], int] = {}
    rows = every(lambda after, limit: mirror.selections(day.number, after=after, limit=limit))
    own = (row for row in rows if owner_of_perimeter(row.perimeter) == dso)
    for (aggregate, perimeter, market), outcomes in _grouped(own).items():
        case = perimeter_case(mirror, aggregate, perimeter, market, day, outcomes)
        for hour in hours:
            outcome = outcome_of_hour(case.outcomes, day, hour)
            if outcome is None or not outcome.kw[hour]:
                continue
            power_kw = outcome.kw[hour]
            for quarter in range(4 * hour, 4 * hour + 4):
                serving = serving_pods(case, day, hour, quarter, power_kw)
                granted = {pod_id: case.members[pod_id][power_kw < 0] for pod_id in serving}
                for pod_id, watts in split(power_kw * W_PER_KW, granted).items():
                    found[quarter, pod_id] = watts
    return [PodTarget(pod_id, quarter, watts) for (quarter, pod_id), watts in sorted(found.items())]


def split(power_w: int, granted_kw: Mapping[bytes, int]) -> dict[bytes, int]:
    """Split a signed power over PODs in proportion to their granted kW, never beyond it; exact where the
    PODs suffice.
    """
    total_w = sum(granted_kw.values()) * W_PER_KW
    if total_w == 0:
        return {}
    wanted = min(abs(power_w), total_w)
    shares = {pod_id: wanted * kw * W_PER_KW // total_w for pod_id, kw in sorted(granted_kw.items())}
    left = wanted - sum(shares.values())
    for pod_id, kw in sorted(granted_kw.items()):
        if left and shares[pod_id] < kw * W_PER_KW:
            shares[pod_id] += 1
            left -= 1
    sign_of = -1 if power_w < 0 else 1
    return {pod_id: sign_of * share for pod_id, share in shares.items()}


def issue_setpoints(
    log: MeasurementLog, key: ec.EllipticCurvePrivateKey, day: DeliveryDay, wanted: Iterable[PodTarget]
) -> list[Accepted]:
    """Sign and log one setpoint per target; it can be begun until its period ends.

    Raises:
        RuleViolation: SET-1, the first one refused: the platform may not command the POD, the POD has no
        device, or the period is
            over. Others of the call may have been logged.
    """
    setpoints: list[bytes] = []
    next_of: dict[bytes, int] = {}
    for target in wanted:
        sequence = next_of.get(target.pod_id) or log.last_setpoint_sequence(target.pod_id) + 1
        next_of[target.pod_id] = sequence + 1
        start = unix(day.quarter_start(target.quarter))
        setpoints.append(
            sign(Setpoint(target.pod_id, start, QUARTER_S, sequence, target.power_w, start + QUARTER_S), key)
        )
    accepted: list[Accepted] = []
    for answer in log.log_setpoints(setpoints):
        if not isinstance(answer, Accepted):
            raise answer.violation
        accepted.append(answer)
    return accepted


def _grouped(rows: Iterable[SelectionView]) -> dict[tuple[int, int, Market], list[SelectionView]]:
    groups: dict[tuple[int, int, Market], list[SelectionView]] = {}
    for row in rows:
        groups.setdefault((row.aggregate, row.perimeter, row.market), []).append(row)
    return groups
