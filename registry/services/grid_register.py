"""What the register knows of the PODs of a DSO's grid: who they are, where, how much they may move, and what
is planned of them (POD-2, DTL-1, DTL-3).

The DSO's grid files name a POD by its POD code, which this node's vault must hold, or by its ``pod_id`` in
hexadecimal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from registry.domain.calendar import DeliveryDay
from registry.domain.enums import Market
from registry.domain.errors import RuleViolation
from registry.domain.settlement_case import Outcome, outcome_of_hour
from registry.ports import Mirror, Vault
from registry.services.recorder import every
from registry.views import PodView, SelectionView

_POD_ID_DIGITS = 64
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class KnownPod:
    """A POD of the grid files as the register has it on a day: powers in kW, 0 without a static light."""

    key: str
    pod_id: bytes
    perimeter: int | None
    granted_up_kw: int
    granted_down_kw: int


def known_pods(
    mirror: Mirror, vault: Vault, dso: int, day: DeliveryDay, keys: Iterable[str]
) -> dict[str, KnownPod]:
    """The PODs of ``keys`` as of ``day``.

    Raises:
        RuleViolation: POD-1 for a key that the register does not know as a POD of this DSO, or two keys of
        one POD; POD-2 where the register has a POD of the DSO with granted power that no key names, since
        lights computed without it would not hold.
    """
    rows = every(lambda after, limit: mirror.pods(day=day.number, dso=dso, after=after, limit=limit))
    registered = {row.pod_id: row for row in rows}
    found: dict[str, KnownPod] = {}
    owner: dict[bytes, str] = {}
    for key in keys:
        pod_id = pod_id_of(vault, key)
        view = registered.get(pod_id) if pod_id is not None else None
        if pod_id is None or view is None:
            raise _stranger(mirror, key, pod_id, dso, day)
        if pod_id in owner:
            raise RuleViolation(
                rule="POD-1",
                field=f"POD {key}",
                found=f"the same POD as {owner[pod_id]}",
                allowed="one entry",
            )
        owner[pod_id] = key
        found[key] = KnownPod(key, pod_id, view.perimeter, view.granted_up_kw, view.granted_down_kw)
    _require_all(registered.values(), dso, owner)
    return found


def pod_id_of(vault: Vault, key: str) -> bytes | None:
    """The ``pod_id`` that a key of the grid files stands for; None if this node cannot say."""
    if len(key) == _POD_ID_DIGITS:
        try:
            return bytes.fromhex(key)
        except ValueError:
            return None
    return vault.pod_id_of(key)


def perimeter_numbers(
    perimeters: Mapping[str, Iterable[str]], known: Mapping[str, KnownPod]
) -> dict[str, int]:
    """The register's number of each named perimeter, by where the register has its PODs.

    Perimeters without PODs are left out.

    Raises:
        RuleViolation: DTL-1, the names divide the PODs otherwise than the register's partition of the day.
    """
    numbers: dict[str, int] = {}
    for name, keys in perimeters.items():
        places = {known[key].perimeter for key in keys}
        if not places:
            continue
        number = next(iter(places))
        if len(places) > 1 or number is None:
            shown = ", ".join(sorted(str(place or "none") for place in places))
            raise RuleViolation(
                rule="DTL-1",
                field=f"perimeter {name}",
                found=f"PODs that the register has in perimeters {shown}",
                allowed="one perimeter of the register's partition of the day",
            )
        twin = next((other for other, taken in numbers.items() if taken == number), None)
        if twin is not None:
            raise RuleViolation(
                rule="DTL-1",
                field=f"perimeter {name}",
                found=f"PODs of the register's perimeter {number}, as {twin} has",
                allowed="all PODs of a perimeter under one name",
            )
        numbers[name] = number
    return numbers


def local_plan_kw(mirror: Mirror, dso: int, day: DeliveryDay) -> dict[tuple[int, int], int]:
    """The DSO's planned local activations by perimeter and hour, signed kW, up positive (DTL-3).

    Of every aggregate and hour the outcome of the latest session that could still plan the hour counts.
    """
    selections = every(
        lambda after, limit: mirror.selections(
            day.number, market=Market.LFP, operator=dso, after=after, limit=limit
        )
    )
    groups: dict[tuple[int, int], list[SelectionView]] = {}
    for selection in selections:
        groups.setdefault((selection.aggregate, selection.perimeter), []).append(selection)
    plan: dict[tuple[int, int], int] = {}
    for (_, perimeter), group in groups.items():
        outcomes = [Outcome(s.session, s.product, s.kw, s.commitment) for s in group]
        for hour in range(day.hours):
            outcome = outcome_of_hour(outcomes, day, hour)
            if outcome is not None and outcome.kw[hour]:
                plan[perimeter, hour] = plan.get((perimeter, hour), 0) + outcome.kw[hour]
    return {place: kw for place, kw in sorted(plan.items()) if kw}


def _stranger(mirror: Mirror, key: str, pod_id: bytes | None, dso: int, day: DeliveryDay) -> RuleViolation:
    view = mirror.pod(pod_id, day=day.number) if pod_id is not None else None
    return RuleViolation(
        rule="POD-1",
        field=f"POD {key}",
        found=f"a POD of DSO {view.dso}" if view is not None and view.dso != dso else "not in the register",
        allowed=f"POD code or pod_id of a registered POD of DSO {dso}",
    )


def _require_all(registered: Iterable[PodView], dso: int, named: Collection[bytes]) -> None:
    missing = [
        view.pod_id.hex()
        for view in registered
        if (view.granted_up_kw or view.granted_down_kw) and view.pod_id not in named
    ]
    if missing:
        shown = ", ".join(f"{pod_id[:16]}…" for pod_id in missing[:_SHOWN])
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise RuleViolation(
            rule="POD-2",
            field="pods",
            found=f"no entry for {len(missing)} PODs with granted power: {shown}{more}",
            allowed=f"an entry for every POD of DSO {dso} that may move",
        )
