"""What is recorded of an aggregate in a perimeter on a day: who is selected, who declared, who serves whom
(SES-3). Dispatch, settlement and the look back all decide from this case, so they agree on who serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from registry.domain.calendar import DeliveryDay
from registry.domain.sessions import Market
from registry.domain.settlement_case import Outcome, PerimeterCase, held_quarters
from registry.ports import Mirror
from registry.services.recorder import every
from registry.views import PodView, SelectionView


def perimeter_case(
    mirror: Mirror,
    aggregate: int,
    perimeter: int,
    market: Market,
    day: DeliveryDay,
    selections: list[SelectionView],
) -> PerimeterCase:
    """The recorded facts of an aggregate in a perimeter on a day; ``selections`` are its outcomes there."""
    members = _members(mirror, aggregate, perimeter, day)
    declared: dict[bytes, int] = {}
    other: dict[bytes, int] = {}
    for pod_id in members:
        for declaration in mirror.declarations(day.number, pod_id=pod_id):
            side = declared if declaration.market is market else other
            side[pod_id] = side.get(pod_id, 0) | declaration.quarters
    outcomes = _outcomes(selections)
    return PerimeterCase(
        perimeter=perimeter,
        outcomes=outcomes,
        completed_sessions=_completed_sessions(mirror, aggregate, perimeter, day),
        declared=declared,
        other_market=other,
        held=_held(mirror, perimeter, market, outcomes, members, day),
        members={pod_id: (pod.granted_up_kw, pod.granted_down_kw) for pod_id, pod in members.items()},
    )


def selections_of(mirror: Mirror, aggregate: int, market: Market, day: DeliveryDay) -> list[SelectionView]:
    """All outcomes of an aggregate's day."""
    return list(
        every(
            lambda after, limit: mirror.selections(
                day.number, market=market, aggregate=aggregate, after=after, limit=limit
            )
        )
    )


def _outcomes(selections: Iterable[SelectionView]) -> tuple[Outcome, ...]:
    in_order = sorted(selections, key=lambda selection: selection.session)
    return tuple(Outcome(s.session, s.product, s.kw, s.commitment) for s in in_order)


def _completed_sessions(mirror: Mirror, aggregate: int, perimeter: int, day: DeliveryDay) -> frozenset[int]:
    completions = mirror.completions(day.number, aggregate=aggregate, perimeter=perimeter)
    return frozenset(completion.session for completion in completions)


def _held(
    mirror: Mirror,
    perimeter: int,
    market: Market,
    outcomes: tuple[Outcome, ...],
    members: Mapping[bytes, PodView],
    day: DeliveryDay,
) -> dict[bytes, int]:
    """Per POD what the other market has of it by default (SES-3, STT-5)."""
    other_market = Market.MSD if market is Market.LFP else Market.LFP
    other_of = {
        pod_id: pod.global_aggregate if market is Market.LFP else pod.local_aggregate
        for pod_id, pod in members.items()
    }
    held = {}
    for other in {aggregate for aggregate in other_of.values() if aggregate}:
        theirs = [s for s in selections_of(mirror, other, other_market, day) if s.perimeter == perimeter]
        completed = _completed_sessions(mirror, other, perimeter, day)
        held[other] = held_quarters(market, outcomes, _outcomes(theirs), completed, day)
    return {pod_id: held[other] for pod_id, other in other_of.items() if other}


def _members(mirror: Mirror, aggregate: int, perimeter: int, day: DeliveryDay) -> dict[bytes, PodView]:
    found = every(
        lambda after, limit: mirror.pods(
            day=day.number, aggregate=aggregate, perimeter=perimeter, after=after, limit=limit
        )
    )
    return {pod.pod_id: pod for pod in found}
