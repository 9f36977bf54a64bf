"""Who may see what: the one place that decides (SPEC 1, PRIV-1, PRIV-3).

Routes ask two kinds of question of a table. *Filters* narrow a list before it is read, so that as little as
possible outside of it is ever loaded. *Of* decides on one object: what the caller may not see does not exist
for it (404), so that an answer never tells whether a hidden object is there.
"""

from __future__ import annotations

from typing import Any

from api.sight import Sight, View, all_of_them, one_by_one, own, row_by_row, those_with
from registry.domain.aggregates import Scope
from registry.domain.identifiers import owner_of_aggregate, owner_of_perimeter, owner_of_product
from registry.domain.sessions import Market
from registry.ports import Opening
from registry.services.identity import ROLE_OF_KIND, Principal, Role
from registry.views import (
    AggregateView,
    AgreementView,
    BaselineView,
    ClaimView,
    DeclarationView,
    DeviceView,
    HistoryEntry,
    LightView,
    OfferView,
    PodView,
    QualificationView,
    SelectionView,
    StatementView,
)

PARTICIPANTS = (Role.TSO, Role.DSO, Role.BSP, Role.AUDITOR)
PARTIES = frozenset(ROLE_OF_KIND.values())
"""All that sign for themselves on the ledger, and so can be lent a right."""
DEVICE_ROLES = frozenset({Role.DSO, Role.BSP, Role.AUDITOR})
"""Whom devices and readings of single PODs may concern."""

_ALL = all_of_them()


def _of_its_aggregates() -> View[Any]:
    return own("bsp", lambda row: owner_of_aggregate(row.aggregate))


def _in_its_perimeters(principal: Principal, row: Any) -> bool:
    return owner_of_perimeter(row.perimeter) == principal.party


PODS: Sight[PodView] = Sight(
    {
        Role.BSP: View(
            lambda caller, pod: pod.bsp == caller.party and not pod.withdrawn,
            lambda caller: {"bsp": caller.party},
        ),
        Role.DSO: own("dso", lambda pod: pod.dso),
        Role.AUDITOR: _ALL,
        Role.TSO: one_by_one(lambda _, pod: pod.global_aggregate is not None),
        Role.PGUI: one_by_one(lambda caller, pod: pod.pod_id == caller.pod_id),
    }
)
"""A TSO sees only PODs that take part in its market: members of a global aggregate."""

POD_STEPS: Sight[HistoryEntry] = Sight(
    {
        Role.BSP: one_by_one(lambda caller, step: bool(step.state["bsp"] == caller.party)),
        Role.DSO: one_by_one(lambda caller, step: bool(step.state["dso"] == caller.party)),
        Role.AUDITOR: _ALL,
        Role.TSO: one_by_one(lambda _, step: step.state["global_aggregate"] is not None),
        Role.PGUI: one_by_one(lambda caller, step: bool(step.state["pod_id"] == "0x" + caller.pod_id.hex())),
    }
)
"""Steps in the life of a POD: a BSP doesn't see what was recorded under another one."""

CLAIMS: Sight[ClaimView] = Sight(
    {
        Role.BSP: View(
            lambda caller, claim: caller.party in {claim.bsp, claim.holder},
            lambda caller: {"party": caller.party},
        ),
        Role.DSO: own("dso", lambda claim: claim.dso),
        Role.AUDITOR: _ALL,
    }
)
"""A BSP sees the claims that it made and those against it."""

AGGREGATES: Sight[AggregateView] = Sight(
    {
        Role.TSO: those_with("scope", Scope.GLOBAL),
        Role.DSO: those_with("scope", Scope.LOCAL),
        Role.BSP: own("bsp", lambda aggregate: aggregate.bsp),
        Role.AUDITOR: _ALL,
    }
)

_FOR_ITS_PRODUCTS: View[QualificationView] = own("operator", lambda row: owner_of_product(row.product))
QUALIFICATIONS: Sight[QualificationView] = Sight(
    {
        Role.TSO: _FOR_ITS_PRODUCTS,
        Role.DSO: _FOR_ITS_PRODUCTS,
        Role.BSP: _of_its_aggregates(),
        Role.AUDITOR: _ALL,
    }
)

LIGHTS: Sight[LightView] = Sight(
    {
        Role.TSO: _ALL,
        Role.DSO: own("dso", lambda light: owner_of_perimeter(light.perimeter)),
        Role.BSP: _ALL,
        Role.AUDITOR: _ALL,
    }
)
"""TSO and BSPs plan with the lights of every DSO."""

SELECTIONS: Sight[SelectionView] = Sight(
    {
        Role.TSO: _ALL,
        Role.DSO: row_by_row(_in_its_perimeters),
        Role.BSP: _of_its_aggregates(),
        Role.AUDITOR: _ALL,
    }
)
"""A DSO sees all in its perimeters; the TSO hears of local ones (D4.1 §6.3, step 2)."""

DECLARATIONS: Sight[DeclarationView] = Sight(
    {
        Role.TSO: those_with("market", Market.MSD),
        Role.DSO: row_by_row(_in_its_perimeters),
        Role.BSP: _of_its_aggregates(),
        Role.AUDITOR: _ALL,
    }
)
"""A TSO sees which PODs serve its own market, a DSO all on its grid."""

OFFERS: Sight[OfferView] = Sight(
    {
        Role.TSO: those_with("market", Market.MSD),
        Role.DSO: row_by_row(
            lambda caller, offer: offer.market is Market.LFP and _in_its_perimeters(caller, offer),
            market=Market.LFP,
        ),
        Role.BSP: _of_its_aggregates(),
        Role.AUDITOR: _ALL,
    }
)
"""A DSO sees who offers to it in its perimeters; what an offer says, `sees_opening` decides (PRIV-3)."""

AGREEMENTS: Sight[AgreementView] = Sight(
    {
        Role.DSO: own("dso", lambda agreement: agreement.dso),
        Role.BSP: own("bsp", lambda agreement: agreement.bsp),
        Role.AUDITOR: _ALL,
    }
)

BASELINES: Sight[BaselineView] = Sight(
    {
        Role.BSP: own("bsp", lambda baseline: baseline.bsp),
        Role.AUDITOR: _ALL,
    }
)

_OF_ITS_OWN: View[StatementView] = own("operator", lambda statement: statement.operator)
SETTLEMENTS: Sight[StatementView] = Sight(
    {
        Role.TSO: _OF_ITS_OWN,
        Role.DSO: _OF_ITS_OWN,
        Role.BSP: _of_its_aggregates(),
        Role.AUDITOR: _ALL,
    }
)


def sees_device(principal: Principal, device: DeviceView, pod: PodView | None) -> bool:
    """Keys of a POD are its parties' business; the DSO that bound one sees and ends it for ever (DEV-1)."""
    if principal.role is Role.DSO and device.dso == principal.party:
        return True
    return principal.role in DEVICE_ROLES and pod is not None and PODS.of(principal)(pod)


def sees_on_day(principal: Principal, then: PodView | None, latest: PodView | None) -> bool:
    """Whether a POD's readings of a delivery day, and who was responsible for it then, are for the caller.

    They are for the BSP that was responsible on that day, not for the one before or after it (POD-5), for
    the DSO of the POD, and for the auditor.

    Args:
        then: the POD as it holds for the day, if it was registered for it.
        latest: as it stands last.
    """
    match principal.role:
        case Role.AUDITOR:
            return latest is not None
        case Role.BSP:
            return then is not None and PODS.of(principal)(then)
        case Role.DSO:
            pod = then or latest
            return pod is not None and PODS.of(principal)(pod)
        case _:
            return False


def sees_opening(principal: Principal, opening: Opening) -> bool:
    """What a commitment hides is for the parties it was made for, and for every auditor (PRIV-3)."""
    return principal.role is Role.AUDITOR or (principal.party != 0 and principal.party in opening.owners)
