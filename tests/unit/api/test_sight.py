"""Tables of roles: what narrows a list never hides what the same role may see of it (PRIV-1, PRIV-3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from api.sight import Sight
from api.visibility import (
    AGGREGATES,
    AGREEMENTS,
    BASELINES,
    CLAIMS,
    DECLARATIONS,
    LIGHTS,
    OFFERS,
    PODS,
    QUALIFICATIONS,
    SELECTIONS,
    SETTLEMENTS,
)
from registry.domain.errors import RuleViolation
from registry.ports import Mirror
from registry.services.identity import Principal, Role
from tests.unit.api.sandbox import ACCESS_NODE, AUDITOR, BSP, DAY, DSO, OTHER_BSP, OTHER_DSO, TSO, Sandbox

List = Callable[..., Sequence[Any]]
KINDS: dict[str, tuple[Sight[Any], Callable[[Mirror], List]]] = {
    "pods": (PODS, lambda mirror: mirror.pods),
    "claims": (CLAIMS, lambda mirror: mirror.claims),
    "aggregates": (AGGREGATES, lambda mirror: mirror.aggregates),
    "qualifications": (QUALIFICATIONS, lambda mirror: mirror.qualifications),
    "lights": (LIGHTS, lambda mirror: _of_the_day(mirror.lights)),
    "selections": (SELECTIONS, lambda mirror: _of_the_day(mirror.selections)),
    "declarations": (DECLARATIONS, lambda mirror: _of_the_day(mirror.declarations)),
    "offers": (OFFERS, lambda mirror: _of_the_day(mirror.offers)),
    "agreements": (AGREEMENTS, lambda mirror: mirror.agreements),
    "baselines": (BASELINES, lambda mirror: _of_the_day(mirror.baselines)),
    "settlements": (SETTLEMENTS, lambda mirror: mirror.statements),
}
CALLERS = [
    Principal(Role.TSO, TSO),
    Principal(Role.DSO, DSO),
    Principal(Role.DSO, OTHER_DSO),
    Principal(Role.BSP, BSP),
    Principal(Role.BSP, OTHER_BSP),
    Principal(Role.AUDITOR, AUDITOR),
]


def _of_the_day(read: List) -> List:
    return lambda **filters: read(DAY.number, **filters)


@pytest.mark.rule("PRIV-1", "PRIV-3")
@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: f"{caller.role.value} {caller.party}")
@pytest.mark.parametrize("kind", KINDS)
def test_filters_never_hide_what_may_be_seen(played: Sandbox, kind: str, caller: Principal) -> None:
    sight, listing = KINDS[kind]
    read = listing(played.node.mirror)
    everything = read(limit=10_000)
    seen = [row for row in everything if sight.of(caller)(row)]
    try:
        filters = sight.filters(caller)
    except RuleViolation as violation:
        assert violation.rule == "ACT-1" and caller.role.value not in str(violation.allowed).split(" or ")
        return
    assert [row for row in read(limit=10_000, **filters) if sight.of(caller)(row)] == seen
    if caller.role is Role.AUDITOR:
        assert seen == list(everything)


@pytest.mark.rule("PRIV-3")
@pytest.mark.parametrize("kind", KINDS)
def test_a_role_that_is_not_named_sees_nothing(played: Sandbox, kind: str) -> None:
    sight, listing = KINDS[kind]
    nobody = Principal(Role.ACCESS_NODE, ACCESS_NODE)
    assert not any(map(sight.of(nobody), listing(played.node.mirror)(limit=10_000)))
    with pytest.raises(RuleViolation, match="ACT-1"):
        sight.filters(nobody)
