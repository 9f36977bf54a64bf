"""Request bodies.

Field names and units are those of the domain; ids are lower-case hexadecimal, days are ISO dates.

A body that one transaction of the ledger can't take is refused by its length, so that every write is whole or
not at all.
"""

from __future__ import annotations

import re
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from registry.domain.aggregates import Scope
from registry.domain.calendar import DeliveryDay
from registry.domain.errors import InputInvalid
from registry.domain.pods import PodCategory, StaticLight, VoltageLevel
from registry.domain.quantities import GREEN, MAX_KW
from registry.services.file_baselines import FILINGS_PER_TRANSACTION
from registry.services.procurement import OFFERS_PER_TRANSACTION
from registry.services.publish_lights import PERIMETERS_PER_TRANSACTION
from registry.services.register_pods import (
    ACTIVATION_TIME_MAX_S,
    PODS_PER_TRANSACTION,
    POSITION,
    TECHNOLOGIES_MAX,
    TECHNOLOGY_LENGTH_MAX,
)

HexId = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="32 bytes, lower-case hexadecimal")]
Kw = Annotated[int, Field(ge=0, le=MAX_KW)]
SignedKw = Annotated[int, Field(ge=-MAX_KW, le=MAX_KW)]
Number = Annotated[int, Field(ge=1, le=2**40 - 1)]
ProductNumber = Annotated[int, Field(ge=1, le=2**32 - 1)]
Party = Annotated[int, Field(ge=1, le=65_535)]
Wh = Annotated[int, Field(ge=-(2**53), le=2**53)]
UnixTime = Annotated[int, Field(ge=0, le=2**40 - 1)]
MilliEurPerMwh = Annotated[int, Field(ge=0, le=10**12)]
DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
E = TypeVar("E", bound=Enum)


def _read_day(value: Any) -> DeliveryDay:
    if not isinstance(value, str) or not re.match(DATE, value):
        raise ValueError("an ISO date is expected, such as 2026-06-18")
    day = DeliveryDay(date.fromisoformat(value))
    try:
        return DeliveryDay.from_number(day.number)
    except InputInvalid as error:
        raise ValueError(f"the date must be {error.allowed}") from None


Day = Annotated[
    DeliveryDay,
    PlainValidator(_read_day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": DATE, "examples": ["2026-06-18"]}),
]


def member(kind: type[E], name: str) -> E:
    """The enum member of a lower-case name (the pattern of the field allows no other)."""
    return kind[name.upper()]


Technology = Annotated[
    str, Field(min_length=1, max_length=TECHNOLOGY_LENGTH_MAX, pattern="^[^\\x00-\\x1f]*$")
]


class Body(BaseModel):
    """Base: unknown fields are refused, numbers are never read out of text."""

    model_config = ConfigDict(extra="forbid", strict=True)


class PodBody(Body):
    """A POD to register (D4.1 Table 6)."""

    pod_code: Annotated[str, Field(examples=["IT001E00000001"])]
    dso: Party
    category: Literal["consumption", "production", "mixed", "storage"]
    voltage: Literal["low", "medium", "high"]
    up_kw: Kw
    down_kw: Kw
    activation_time_s: Annotated[int, Field(ge=0, le=ACTIVATION_TIME_MAX_S)]
    position: Annotated[str, Field(pattern=POSITION, examples=["41.902782,12.496366"])]
    technologies: Annotated[list[Technology], Field(min_length=1, max_length=TECHNOLOGIES_MAX)]

    def kinds(self) -> tuple[PodCategory, VoltageLevel]:
        """Category and voltage as the domain has them."""
        return member(PodCategory, self.category), member(VoltageLevel, self.voltage)


class RegisterPodsBody(Body):
    """A batch of PODs; registered all or none."""

    pods: Annotated[list[PodBody], Field(min_length=1, max_length=PODS_PER_TRANSACTION)]


class PodIdsBody(Body):
    """PODs by their ledger ids."""

    pod_ids: Annotated[list[HexId], Field(min_length=1, max_length=100)]


class PodClaimBody(Body):
    """A POD that the BSP takes over, and its reference to the customer's mandate."""

    pod_code: Annotated[str, Field(examples=["IT001E00000001"])]
    mandate: Annotated[str, Field(min_length=1, max_length=200)]


class PodClaimsBody(Body):
    """Claims, made all or none."""

    claims: Annotated[list[PodClaimBody], Field(min_length=1, max_length=100)]


class HandoverBody(Body):
    """A claimed POD and the BSP that takes it over."""

    pod_id: HexId
    bsp: Party


class HandoversBody(Body):
    """Handovers, done all or none."""

    handovers: Annotated[list[HandoverBody], Field(min_length=1, max_length=100)]


class MovesBody(Body):
    """PODs that move along into a successor of their perimeter, all or none."""

    perimeter: Number
    pod_ids: Annotated[list[HexId], Field(min_length=1, max_length=100)]


class StaticLightBody(Body):
    """A static light (POD-2)."""

    pod_id: HexId
    light: Literal["confirmed", "modulated", "invalidated"]
    up_kw: Kw
    down_kw: Kw
    perimeter: Number
    reason: Annotated[str, Field(max_length=32, pattern="^[ -~]*$")] = ""

    @property
    def decision(self) -> StaticLight:
        """The light as the domain has it."""
        return member(StaticLight, self.light)


class StaticLightsBody(Body):
    """Static lights, given all or none."""

    lights: Annotated[list[StaticLightBody], Field(min_length=1, max_length=100)]


class CellBody(Body):
    """The light of one hour and direction (DTL-2)."""

    colour: Literal["green", "yellow", "red"]
    capability_kw: Annotated[int, Field(ge=0, le=GREEN - 1)] | None = None
    reactive: bool = False


class PerimeterLightsBody(Body):
    """The lights of a perimeter day, one cell per hour of the day."""

    perimeter: Number
    up: Annotated[list[CellBody], Field(min_length=23, max_length=25)]
    down: Annotated[list[CellBody], Field(min_length=23, max_length=25)]


class DynamicLightsBody(Body):
    """Dynamic lights of a session, published all or none."""

    day: Day
    session: Annotated[int, Field(ge=1, le=6)]
    lights: Annotated[list[PerimeterLightsBody], Field(min_length=1, max_length=PERIMETERS_PER_TRANSACTION)]


class AggregateBody(Body):
    """A new aggregate (AGG-1); `serial` numbers the BSP's aggregates."""

    serial: Annotated[int, Field(ge=1, le=2**24 - 1)]
    scope: Literal["local", "global"]

    @property
    def market(self) -> Scope:
        """The scope as the domain has it."""
        return member(Scope, self.scope)


class ApplicationBody(Body):
    """An application for a product (PRQ-1)."""

    aggregate: Number
    product: ProductNumber


class BaselineBody(Body):
    """A POD's nominated baseline: net injection in Wh per quarter-hour of the day."""

    pod_id: HexId
    energy_wh: Annotated[list[Wh], Field(min_length=92, max_length=100)]


class BaselinesBody(Body):
    """Baselines of a delivery day, filed all or none."""

    day: Day
    baselines: Annotated[list[BaselineBody], Field(min_length=1, max_length=FILINGS_PER_TRANSACTION)]
    bsp: Annotated[Party | None, Field(description="in whose place an agent files")] = None


class DelegationBody(Body):
    """Who may file the BSP's baselines in its place, and until when (Unix seconds)."""

    agent: Party
    valid_until: UnixTime


class DelegationEndBody(Body):
    """Whose delegation ends."""

    agent: Party


class OfferBody(Body):
    """A bid of an aggregate in a perimeter: signed kW per hour, up positive, at one price."""

    product: ProductNumber
    aggregate: Number
    perimeter: Number
    kw: Annotated[list[SignedKw], Field(min_length=23, max_length=25)]
    use_price_milli_eur_per_mwh: MilliEurPerMwh


class OffersBody(Body):
    """Bids for a session, recorded all or none."""

    day: Day
    market: Literal["lfp", "msd"]
    session: Annotated[int, Field(ge=1, le=6)]
    offers: Annotated[list[OfferBody], Field(min_length=1, max_length=OFFERS_PER_TRANSACTION)]


class OpeningBody(Body):
    """What a commitment of the caller hides, and its salt (docs/formats/commitment.md)."""

    salt: HexId
    payload: dict[str, Any]


class OpeningsBody(Body):
    """Openings for the other party's node."""

    openings: Annotated[list[OpeningBody], Field(min_length=1, max_length=100)]


class AgreementBody(Body):
    """An availability agreement for the days from `from_day` until before `until_day`."""

    product: ProductNumber
    aggregate: Number
    perimeter: Number
    direction: Literal["up", "down"]
    from_day: Day
    until_day: Day
    available_kw: Kw
    availability_price_milli_eur_per_mwh: MilliEurPerMwh
    use_price_milli_eur_per_mwh: MilliEurPerMwh


class SelectionBody(Body):
    """What a session took of an aggregate in a perimeter: signed kW per hour, up positive."""

    aggregate: Number
    perimeter: Number
    kw: Annotated[list[SignedKw], Field(min_length=23, max_length=25)]
    chain: Annotated[list[ProductNumber], Field(min_length=1, max_length=4)]
    tested_aggregate: Number
    rests_on: Annotated[HexId, Field(description="commitment of the agreement or bid that says what is paid")]


class OutcomeBody(Body):
    """The outcome of a session, recorded all or none."""

    day: Day
    session: Annotated[int, Field(ge=1, le=6)]
    selections: Annotated[list[SelectionBody], Field(min_length=1, max_length=100)]


class PodQuartersBody(Body):
    """Quarter-hours of the day that a POD serves."""

    pod_id: HexId
    quarters: Annotated[list[Annotated[int, Field(ge=0, le=99)]], Field(min_length=1, max_length=100)]

    def bits(self) -> int:
        """The quarter-hours as a bit map."""
        return sum(1 << quarter for quarter in set(self.quarters))


class DeclarationBody(Body):
    """Which PODs fulfil a selection (SES-3)."""

    day: Day
    aggregate: Number
    perimeter: Number
    pods: Annotated[list[PodQuartersBody], Field(max_length=500)]
    complete: bool


class DeviceBody(Body):
    """A PGUI key to bind (DEV-1); validity in Unix seconds."""

    pod_id: HexId
    key_x: HexId
    key_y: HexId
    valid_from: UnixTime
    valid_until: UnixTime


class CodeBody(Body):
    """Code for one contract, and what it runs once on the state that is there."""

    name: Annotated[str, Field(pattern="^[A-Za-z]{1,32}$")]
    implementation: Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$")]
    initial: Annotated[str, Field(pattern="^([0-9a-f]{2}){0,4096}$")] = ""


class ChangeBody(Body):
    """A change of the contracts; `document_hash` is the SHA-256 of the document that describes it."""

    codes: Annotated[list[CodeBody], Field(min_length=1, max_length=16)]
    document_hash: HexId
    not_before: UnixTime


class DevicesBody(Body):
    """Device keys, bound all or none."""

    bindings: Annotated[list[DeviceBody], Field(min_length=1, max_length=100)]


class EndingBody(Body):
    """When the validity of a POD's latest key ends, Unix seconds; the instant itself is outside."""

    pod_id: HexId
    valid_until: UnixTime


class EndingsBody(Body):
    """Revocations, done all or none; the reason stands on the ledger."""

    endings: Annotated[list[EndingBody], Field(min_length=1, max_length=100)]
    reason: Annotated[str, Field(min_length=1, max_length=32, pattern="^[ -~]+$", examples=["STOLEN"])]


class DetachmentBody(Body):
    """The last delivery month to go."""

    month: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}$", examples=["2026-06"])]


class AttestationBody(Body):
    """What an auditor found (AUD-1)."""

    confirmed: bool
    bundle_sha256: HexId


class DisputeBody(Body):
    """Why a BSP disputes a statement; only the hash of the reason goes to the ledger."""

    reason: Annotated[str, Field(min_length=1, max_length=2_000)]
