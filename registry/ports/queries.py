"""What can be asked of the register. Lists are ordered by the key of their views: ``after`` continues a page,
``limit`` ends it.

``as_of`` asks for what was recorded until that instant, included; None for now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from registry.domain.enums import Market, PartyKind, QualificationState, Scope, StaticLight
from registry.domain.pods import Roster
from registry.views import (
    AggregateView,
    AgreementView,
    BaselineView,
    CheckpointView,
    ClaimView,
    CompletionView,
    ContractChangeView,
    DayView,
    DeclarationView,
    DelegationView,
    DeviceView,
    EquivalenceView,
    HistoryEntry,
    LightView,
    MembershipView,
    OfferView,
    PartyView,
    PerimeterView,
    PodView,
    PoolView,
    ProductView,
    QualificationView,
    SelectionView,
    StatementView,
    Statistics,
)

PAGE = 100
"""Rows a list returns unless told otherwise."""


class ConsortiumQueries(Protocol):
    """The code of the contracts."""

    def contract_change(self, change: int, *, as_of: datetime | None = None) -> ContractChangeView | None: ...

    def contract_changes(
        self, *, as_of: datetime | None = None, after: str | None = None, limit: int = PAGE
    ) -> list[ContractChangeView]: ...


class PartyQueries(Protocol):
    """Who takes part."""

    def party(self, party: int, *, as_of: datetime | None = None) -> PartyView | None: ...

    def parties(
        self,
        *,
        kind: PartyKind | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[PartyView]: ...

    def party_of_address(self, address: str, *, as_of: datetime | None = None) -> PartyView | None:
        """The party that the address signs for (suspended or not)."""
        ...

    def delegations(
        self,
        *,
        party: int | None = None,
        agent: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[DelegationView]:
        """Rights that a party lends, or that an agent was lent, over or not."""
        ...


class MarketTimeQueries(Protocol):
    """Delivery days and perimeters."""

    def day(self, day: int, *, as_of: datetime | None = None) -> DayView | None: ...

    def days(
        self, *, from_day: int = 0, as_of: datetime | None = None, after: str | None = None, limit: int = PAGE
    ) -> list[DayView]: ...

    def perimeter(self, perimeter: int, *, as_of: datetime | None = None) -> PerimeterView | None: ...

    def perimeters(
        self,
        *,
        dso: int | None = None,
        day: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[PerimeterView]:
        """Perimeters ever declared, or with ``day`` the partition in force on it."""
        ...


class PodQueries(Protocol):
    """PODs, aggregates, members. ``day`` None means the latest version, whatever day it takes effect from."""

    def pod(
        self, pod_id: bytes, *, day: int | None = None, as_of: datetime | None = None
    ) -> PodView | None: ...

    def latest_pods(self, pod_ids: Sequence[bytes]) -> dict[bytes, PodView]:
        """The latest versions of PODs, by id; those that were never registered are left out."""
        ...

    def pods(
        self,
        *,
        day: int | None = None,
        bsp: int | None = None,
        dso: int | None = None,
        perimeter: int | None = None,
        aggregate: int | None = None,
        light: StaticLight | None = None,
        withdrawn: bool = False,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[PodView]:
        """PODs as of a delivery day; withdrawn ones only on request."""
        ...

    def pod_versions(self, pod_id: bytes, *, as_of: datetime | None = None) -> list[PodView]:
        """All versions of a POD by the day they take effect (POD-5)."""
        ...

    def claims(
        self,
        *,
        party: int | None = None,
        dso: int | None = None,
        pending: bool = False,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[ClaimView]:
        """Claims that a BSP made or that were made against it (``party``), on a DSO's grid (``dso``), of all;
        ``pending``: only those that can still be granted (POD-5).
        """
        ...

    def aggregate(self, aggregate: int, *, as_of: datetime | None = None) -> AggregateView | None: ...

    def aggregates(
        self,
        *,
        bsp: int | None = None,
        scope: Scope | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[AggregateView]: ...

    def memberships(
        self,
        *,
        aggregate: int | None = None,
        pod_id: bytes | None = None,
        day: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[MembershipView]: ...

    def pool(
        self, aggregate: int, *, day: int, perimeter: int | None = None, as_of: datetime | None = None
    ) -> PoolView:
        """Number and granted power of an aggregate's PODs."""
        ...

    def roster(self, aggregate: int, *, day: int, as_of: datetime | None = None) -> Roster:
        """What a test of the aggregate is about, as of a day (PRQ-2)."""
        ...

    def shared_pods(self, local_aggregate: int, global_aggregate: int, *, day: int) -> int:
        """How many PODs two aggregates share on a day (AGG-3)."""
        ...


class ProductQueries(Protocol):
    """Products, qualifications, Table of Equivalences."""

    def product(self, product: int, *, as_of: datetime | None = None) -> ProductView | None: ...

    def products(
        self,
        *,
        operator: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[ProductView]: ...

    def qualification(
        self, aggregate: int, product: int, *, as_of: datetime | None = None
    ) -> QualificationView | None: ...

    def qualifications(
        self,
        *,
        aggregate: int | None = None,
        product: int | None = None,
        bsp: int | None = None,
        operator: int | None = None,
        state: QualificationState | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[QualificationView]: ...

    def equivalences(
        self,
        *,
        holds: bool | None = None,
        product: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[EquivalenceView]:
        """The Table of Equivalences; ``product`` stands on either side."""
        ...


class MarketQueries(Protocol):
    """Lights, selections, declarations, baselines of a delivery day."""

    def lights(
        self,
        day: int,
        *,
        perimeter: int | None = None,
        session: int | None = None,
        dso: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[LightView]:
        """All that was published for the day, one entry per perimeter and session."""
        ...

    def light_in_force(self, perimeter: int, day: int, *, as_of: datetime | None = None) -> LightView | None:
        """The lights last published (until ``as_of``) for a perimeter and day."""
        ...

    def selections(
        self,
        day: int,
        *,
        market: Market | None = None,
        session: int | None = None,
        aggregate: int | None = None,
        perimeter: int | None = None,
        bsp: int | None = None,
        operator: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[SelectionView]:
        """All outcomes of the day, one entry per aggregate, perimeter and session."""
        ...

    def selection_in_force(
        self, aggregate: int, perimeter: int, day: int, *, as_of: datetime | None = None
    ) -> SelectionView | None:
        """The outcome of the latest session that selected this aggregate in this perimeter."""
        ...

    def declarations(
        self,
        day: int,
        *,
        pod_id: bytes | None = None,
        aggregate: int | None = None,
        perimeter: int | None = None,
        bsp: int | None = None,
        market: Market | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[DeclarationView]: ...

    def completions(
        self,
        day: int,
        *,
        aggregate: int | None = None,
        perimeter: int | None = None,
        bsp: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[CompletionView]: ...

    def baselines(
        self,
        day: int,
        *,
        pod_id: bytes | None = None,
        bsp: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[BaselineView]: ...


class ProcurementQueries(Protocol):
    """Agreements and offers."""

    def agreement(self, commitment: bytes, *, as_of: datetime | None = None) -> AgreementView | None: ...

    def agreements(
        self,
        *,
        dso: int | None = None,
        bsp: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[AgreementView]: ...

    def offers(
        self,
        day: int,
        *,
        commitment: bytes | None = None,
        market: Market | None = None,
        perimeter: int | None = None,
        bsp: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[OfferView]:
        """All offers recorded for the day; which of them stands in a session says the domain."""
        ...


class RecordQueries(Protocol):
    """Devices, checkpoints, settlement statements, history, public statistics."""

    def device_of_key(self, key_id: bytes, *, as_of: datetime | None = None) -> DeviceView | None: ...

    def devices(
        self,
        *,
        pod_id: bytes | None = None,
        dso: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[DeviceView]: ...

    def checkpoints(
        self,
        *,
        log_id: bytes | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[CheckpointView]: ...

    def checkpoint_covering(self, log_id: bytes, size: int) -> CheckpointView | None:
        """The first anchored checkpoint of the log with at least ``size`` entries."""
        ...

    def statement(self, statement_id: bytes, *, as_of: datetime | None = None) -> StatementView | None: ...

    def statements(
        self,
        *,
        operator: int | None = None,
        bsp: int | None = None,
        aggregate: int | None = None,
        product: int | None = None,
        day: int | None = None,
        in_force: bool = False,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[StatementView]:
        """Settlement statements; with ``in_force`` only those that none supersedes."""
        ...

    def history(
        self, object_type: str, object_id: str, *, after: str | None = None, limit: int = PAGE
    ) -> list[HistoryEntry]:
        """The life of one object, oldest first. Types and the form of ids: ``registry.mirror.tables``."""
        ...

    def statistics(self) -> Statistics: ...
