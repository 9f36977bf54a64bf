"""Who may see what: the one place that decides (SPEC 1, PRIV-1, PRIV-3).

Routes ask two kinds of question. *Scopes* narrow a list before it is read: `pod_scope` turns the caller into
query filters, so that nothing outside is ever loaded. *Checks* decide on one object: what the caller may not
see does not exist for it (404), so that an answer never tells whether a hidden object is there.
"""

from __future__ import annotations

from typing import Any

from registry.domain.aggregates import Scope
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import owner_of_aggregate, owner_of_perimeter, owner_of_product
from registry.domain.sessions import Market
from registry.ports import Opening
from registry.services.identity import ROLE_OF_KIND, Principal, Role
from registry.views import (
    AggregateView,
    AgreementView,
    DeclarationView,
    DeviceView,
    HistoryEntry,
    OfferView,
    PodView,
    QualificationView,
    SelectionView,
    StatementView,
)

PARTICIPANTS = frozenset({Role.TSO, Role.DSO, Role.BSP, Role.AUDITOR})
PARTIES = frozenset(ROLE_OF_KIND.values())
"""All that sign for themselves on the ledger, and so can be lent a right."""
DEVICE_ROLES = frozenset({Role.DSO, Role.BSP, Role.AUDITOR})
"""Whom devices and readings of single PODs may concern."""


def require_role(principal: Principal, *roles: Role) -> None:
    """Refuse a caller of another role.

    Raises:
        RuleViolation: ACT-1, naming the roles that may.
    """
    if principal.role not in roles:
        raise RuleViolation(
            rule="ACT-1",
            field="authorization",
            found=principal.role.value,
            allowed=" or ".join(role.value for role in roles),
            hint="use a token of such a party",
        )


def pod_scope(principal: Principal) -> dict[str, Any]:
    """Filters of a POD list: a BSP its own, a DSO those on its grid, the auditor all; nobody else lists PODs.

    Raises:
        RuleViolation: ACT-1.
    """
    require_role(principal, Role.BSP, Role.DSO, Role.AUDITOR)
    scopes = {Role.BSP: {"bsp": principal.party}, Role.DSO: {"dso": principal.party}}
    return scopes.get(principal.role, {})


def sees_pod(principal: Principal, pod: PodView) -> bool:
    """A TSO sees only PODs that take part in its market: members of a global aggregate."""
    match principal.role:
        case Role.AUDITOR:
            return True
        case Role.BSP:
            return pod.bsp == principal.party and not pod.withdrawn
        case Role.DSO:
            return pod.dso == principal.party
        case Role.TSO:
            return pod.global_aggregate is not None
        case Role.PGUI:
            return pod.pod_id == principal.pod_id
        case _:
            return False


def sees_pod_step(principal: Principal, step: HistoryEntry) -> bool:
    """As `sees_pod`, for one step in the life of a POD.

    A BSP doesn't see what was recorded under another one.
    """
    state = step.state
    match principal.role:
        case Role.AUDITOR:
            return True
        case Role.BSP:
            return bool(state["bsp"] == principal.party)
        case Role.DSO:
            return bool(state["dso"] == principal.party)
        case Role.TSO:
            return state["global_aggregate"] is not None
        case Role.PGUI:
            return bool(state["pod_id"] == "0x" + principal.pod_id.hex())
        case _:
            return False


def sees_device(principal: Principal, device: DeviceView, pod: PodView | None) -> bool:
    """Keys of a POD are its parties' business; the DSO that bound one sees and ends it for ever (DEV-1)."""
    if principal.role is Role.DSO and device.dso == principal.party:
        return True
    return principal.role in DEVICE_ROLES and pod is not None and sees_pod(principal, pod)


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
            return then is not None and sees_pod(principal, then)
        case Role.DSO:
            pod = then or latest
            return pod is not None and sees_pod(principal, pod)
        case _:
            return False


def claim_scope(principal: Principal) -> dict[str, Any]:
    """Filters of a list of claims: a BSP those that it made and those against it, a DSO those on its grid.

    Raises:
        RuleViolation: ACT-1.
    """
    require_role(principal, Role.BSP, Role.DSO, Role.AUDITOR)
    scopes = {Role.BSP: {"party": principal.party}, Role.DSO: {"dso": principal.party}}
    return scopes.get(principal.role, {})


def aggregate_scope(principal: Principal) -> dict[str, Any]:
    """Filters of an aggregate list: a BSP its own, a DSO local ones, a TSO global ones.

    Raises:
        RuleViolation: ACT-1.
    """
    require_role(principal, *PARTICIPANTS)
    scopes: dict[Role, dict[str, Any]] = {
        Role.BSP: {"bsp": principal.party},
        Role.DSO: {"scope": Scope.LOCAL},
        Role.TSO: {"scope": Scope.GLOBAL},
    }
    return scopes.get(principal.role, {})


def sees_aggregate(principal: Principal, aggregate: AggregateView) -> bool:
    """As `aggregate_scope`, for one."""
    match principal.role:
        case Role.AUDITOR:
            return True
        case Role.BSP:
            return aggregate.bsp == principal.party
        case Role.DSO:
            return aggregate.scope is Scope.LOCAL
        case Role.TSO:
            return aggregate.scope is Scope.GLOBAL
        case _:
            return False


def qualification_scope(principal: Principal) -> dict[str, Any]:
    """Filters of a qualification list: a BSP its own, an operator those for its products.

    Raises:
        RuleViolation: ACT-1.
    """
    require_role(principal, *PARTICIPANTS)
    match principal.role:
        case Role.BSP:
            return {"bsp": principal.party}
        case Role.DSO | Role.TSO:
            return {"operator": principal.party}
        case _:
            return {}


def sees_qualification(principal: Principal, qualification: QualificationView) -> bool:
    """As `qualification_scope`, for one."""
    match principal.role:
        case Role.AUDITOR:
            return True
        case Role.BSP:
            return owner_of_aggregate(qualification.aggregate) == principal.party
        case Role.DSO | Role.TSO:
            return owner_of_product(qualification.product) == principal.party
        case _:
            return False


def light_scope(principal: Principal) -> dict[str, Any]:
    """Filters of a list of lights: a DSO its own; TSO, BSPs and auditor all, they plan with them.

    Raises:
        RuleViolation: ACT-1.
    """
    require_role(principal, *PARTICIPANTS)
    return {"dso": principal.party} if principal.role is Role.DSO else {}


def selection_scope(principal: Principal) -> dict[str, Any]:
    """Filters of a list of outcomes: a BSP its own; of the others `sees_selection` decides row by row.

    Raises:
        RuleViolation: ACT-1.
    """
    require_role(principal, *PARTICIPANTS)
    return {"bsp": principal.party} if principal.role is Role.BSP else {}


def sees_selection(principal: Principal, selection: SelectionView) -> bool:
    """A DSO sees all in its perimeters, a BSP its own; the TSO hears of local ones (D4.1 §6.3, step 2)."""
    match principal.role:
        case Role.AUDITOR | Role.TSO:
            return True
        case Role.DSO:
            return owner_of_perimeter(selection.perimeter) == principal.party
        case Role.BSP:
            return owner_of_aggregate(selection.aggregate) == principal.party
        case _:
            return False


def declaration_scope(principal: Principal) -> dict[str, Any]:
    """Filters of a list of declarations: a BSP its own, a TSO those to its market; the rest row by row.

    Raises:
        RuleViolation: ACT-1.
    """
    require_role(principal, *PARTICIPANTS)
    scopes: dict[Role, dict[str, Any]] = {
        Role.BSP: {"bsp": principal.party},
        Role.TSO: {"market": Market.MSD},
    }
    return scopes.get(principal.role, {})


def sees_declaration(principal: Principal, declaration: DeclarationView) -> bool:
    """A TSO sees which PODs serve its own market, a DSO all on its grid, a BSP its own."""
    match principal.role:
        case Role.AUDITOR:
            return True
        case Role.TSO:
            return declaration.market is Market.MSD
        case Role.DSO:
            return owner_of_perimeter(declaration.perimeter) == principal.party
        case Role.BSP:
            return owner_of_aggregate(declaration.aggregate) == principal.party
        case _:
            return False


def offer_scope(principal: Principal) -> dict[str, Any]:
    """Filters of a list of offers: a BSP its own, a TSO those to its market; the rest row by row.

    Raises:
        RuleViolation: ACT-1.
    """
    require_role(principal, *PARTICIPANTS)
    scopes: dict[Role, dict[str, Any]] = {
        Role.BSP: {"bsp": principal.party},
        Role.TSO: {"market": Market.MSD},
        Role.DSO: {"market": Market.LFP},
    }
    return scopes.get(principal.role, {})


def sees_offer(principal: Principal, offer: OfferView) -> bool:
    """A DSO sees who offers in its perimeters; what an offer says, `sees_opening` decides (PRIV-3)."""
    if principal.role is Role.DSO:
        return owner_of_perimeter(offer.perimeter) == principal.party
    return True


def agreement_scope(principal: Principal) -> dict[str, Any]:
    """Filters of a list of agreements: their parties their own, the auditor all.

    Raises:
        RuleViolation: ACT-1.
    """
    require_role(principal, Role.DSO, Role.BSP, Role.AUDITOR)
    scopes = {Role.BSP: {"bsp": principal.party}, Role.DSO: {"dso": principal.party}}
    return scopes.get(principal.role, {})


def sees_agreement(principal: Principal, agreement: AgreementView) -> bool:
    """As `agreement_scope`, for one."""
    match principal.role:
        case Role.AUDITOR:
            return True
        case Role.BSP:
            return agreement.bsp == principal.party
        case Role.DSO:
            return agreement.dso == principal.party
        case _:
            return False


def baseline_scope(principal: Principal) -> dict[str, Any]:
    """Filters of a list of filed baselines: a BSP its own, the auditor all; nobody else.

    Raises:
        RuleViolation: ACT-1.
    """
    require_role(principal, Role.BSP, Role.AUDITOR)
    return {"bsp": principal.party} if principal.role is Role.BSP else {}


def settlement_scope(principal: Principal) -> dict[str, Any]:
    """Filters of a list of settlement statements: the operator its own, a BSP its own, the auditor all.

    Raises:
        RuleViolation: ACT-1.
    """
    require_role(principal, *PARTICIPANTS)
    match principal.role:
        case Role.BSP:
            return {"bsp": principal.party}
        case Role.DSO | Role.TSO:
            return {"operator": principal.party}
        case _:
            return {}


def sees_settlement(principal: Principal, statement: StatementView) -> bool:
    """As `settlement_scope`, for one."""
    match principal.role:
        case Role.AUDITOR:
            return True
        case Role.BSP:
            return owner_of_aggregate(statement.aggregate) == principal.party
        case Role.DSO | Role.TSO:
            return statement.operator == principal.party
        case _:
            return False


def sees_opening(principal: Principal, opening: Opening) -> bool:
    """What a commitment hides is for the parties it was made for, and for every auditor (PRIV-3)."""
    return principal.role is Role.AUDITOR or (principal.party != 0 and principal.party in opening.owners)
