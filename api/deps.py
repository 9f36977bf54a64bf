"""What routes need.

The node, the caller and its role, path and query parameters in domain terms, the caller's key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.problems import NotFound, Unauthenticated
from api.schemas.answers import Written
from api.sight import require_role
from api.visibility import PODS
from registry.bootstrap import Node
from registry.domain.calendar import DeliveryDay, from_unix
from registry.domain.errors import InputInvalid, RuleViolation
from registry.ports import Receipt, Signer
from registry.services.identity import ANYONE, Principal, Role

Object = TypeVar("Object")
_bearer = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    description="JWT (ES256) of a participant, or one that a PGUI signed with its device key",
)


async def get_node(request: Request) -> Node:
    """The node this application serves. Asynchronous, for other functions are called in a thread."""
    return cast(Node, request.app.state.node)


NodeDep = Annotated[Node, Depends(get_node)]


def get_caller(
    node: NodeDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    """Who asks; without a token, anyone.

    Raises:
        TokenInvalid: ACT-1, the token proves nothing.
    """
    return node.tokens.check(credentials.credentials) if credentials is not None else ANYONE


def get_known_caller(caller: Annotated[Principal, Depends(get_caller)]) -> Principal:
    """Who asks; a token is needed.

    Raises:
        Unauthenticated: ACT-1.
    """
    if caller is ANYONE:
        raise Unauthenticated(
            rule="ACT-1",
            field="authorization",
            found="no bearer token",
            allowed="Authorization: Bearer with a valid token",
        )
    return caller


def _caller_as(*roles: Role) -> Callable[[Principal], Principal]:
    def get_caller_as(caller: Annotated[Principal, Depends(get_known_caller)]) -> Principal:
        require_role(caller, *roles)
        return caller

    return get_caller_as


KnownCaller = Annotated[Principal, Depends(get_known_caller)]
BspCaller = Annotated[Principal, Depends(_caller_as(Role.BSP))]
DsoCaller = Annotated[Principal, Depends(_caller_as(Role.DSO))]
OperatorCaller = Annotated[Principal, Depends(_caller_as(Role.DSO, Role.TSO))]
AccessNodeCaller = Annotated[Principal, Depends(_caller_as(Role.ACCESS_NODE))]
AuditorCaller = Annotated[Principal, Depends(_caller_as(Role.AUDITOR))]
DeviceCaller = Annotated[Principal, Depends(_caller_as(Role.PGUI))]

# ------------------------------------------------------------------------------------------------- parameters

HEX_ID = "^[0-9a-f]{64}$"
DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
PodId = Annotated[str, Path(pattern=HEX_ID, description="the POD's ledger id, 32 bytes")]
Commitment = Annotated[str, Path(pattern=HEX_ID, description="32 bytes")]
StatementId = Annotated[str, Path(pattern=HEX_ID, description="32 bytes")]
AggregateNumber = Annotated[int, Path(ge=1, le=2**40 - 1)]
ProductNumber = Annotated[int, Path(ge=1, le=2**32 - 1)]
PartyFilter = Annotated[int | None, Query(ge=1, le=2**16 - 1)]
AreaFilter = Annotated[
    int | None, Query(ge=1, le=2**40 - 1, description="number of a perimeter or aggregate")
]
SessionFilter = Annotated[int | None, Query(ge=1, le=6)]


def parse_day(text: str) -> DeliveryDay:
    """A delivery day from its ISO date.

    Raises:
        InputInvalid: TIM-1, no date, or one beyond the days that the ledger can number.
    """
    try:
        day = DeliveryDay(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date())
    except ValueError:
        raise _no_day(text) from None
    if not 0 <= day.number <= 0xFFFF:
        raise _no_day(text)
    return day


def _no_day(text: str) -> InputInvalid:
    return InputInvalid(
        rule="TIM-1", field="day", found=text, allowed="an ISO date from 1970-01-01 to 2149-06-06"
    )


def get_path_day(day: Annotated[str, Path(pattern=DATE, examples=["2026-06-18"])]) -> DeliveryDay:
    """The delivery day in the path."""
    return parse_day(day)


def get_day_filter(
    day: Annotated[str | None, Query(pattern=DATE, description="as of this delivery day")] = None,
) -> int | None:
    """The number of the delivery day that is asked for, or None for the latest word."""
    return parse_day(day).number if day is not None else None


def get_as_of(
    as_of: Annotated[
        str | None,
        Query(max_length=40, description="what was recorded until this instant (ISO 8601 with zone)"),
    ] = None,
) -> datetime | None:
    """The instant of record time that is asked for, or None for now.

    Raises:
        InputInvalid: TIM-1.
    """
    return None if as_of is None else parse_instant("as_of", as_of)


def get_at(
    at: Annotated[str, Query(max_length=40, description="an instant of delivery (ISO 8601 with zone)")],
) -> datetime:
    """The instant of delivery that is asked for.

    Raises:
        InputInvalid: TIM-1.
    """
    return parse_instant("at", at)


def parse_instant(field: str, text: str) -> datetime:
    """An instant of the query, in UTC.

    Raises:
        InputInvalid: TIM-1, no instant, or one without its zone.
    """
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InputInvalid(
        rule="TIM-1",
        field=field,
        found=text,
        allowed="an instant with its zone, such as 2026-06-18T10:00:00Z (+ is written %2B)",
    )


PathDay = Annotated[DeliveryDay, Depends(get_path_day)]
DayFilter = Annotated[int | None, Depends(get_day_filter)]
AsOf = Annotated[datetime | None, Depends(get_as_of)]
At = Annotated[datetime, Depends(get_at)]

# ---------------------------------------------------------------------------------------------------- objects


def existing(row: Object | None, visible: Callable[[Object], bool], what: str, found: object) -> Object:
    """The row, if it is there for this caller.

    Raises:
        NotFound: API-2 otherwise; hidden and missing are not told apart.
    """
    if row is None or not visible(row):
        raise NotFound(rule="API-2", field=what, found=found, allowed="one that exists for the caller")
    return row


def own_pods(
    node: Node, caller: Principal, pod_ids: Iterable[str], day: int | None = None
) -> tuple[bytes, ...]:
    """The PODs that a write names, if all exist for the caller (on a delivery day, or as they stand last).

    Raises:
        NotFound: API-2, naming the first that doesn't.
    """
    identities = []
    for number, text in enumerate(pod_ids):
        identity = bytes.fromhex(text)
        row = node.mirror.pod(identity, day=day)
        existing(row, PODS.of(caller), f"pod_id at place {number}", text)
        identities.append(identity)
    return tuple(identities)


def signer_for(node: Node, caller: Principal) -> Signer:
    """The ledger key of the caller's party.

    Raises:
        RuleViolation: ACT-1, this node holds no key of that party: it signs its own transactions elsewhere.
    """
    signer = node.signers.get(caller.party)
    if signer is None:
        raise RuleViolation(
            rule="ACT-1",
            field="party",
            found=caller.party,
            allowed="a party whose ledger key this node holds",
            hint="write through a node of your own",
        )
    return signer


def written(receipt: Receipt) -> Written:
    """The answer to a write."""
    return Written(
        transaction=receipt.tx_hash.hex(),
        block=receipt.block_number,
        time=from_unix(receipt.block_time),
        events=[type(recorded.event).__name__ for recorded in receipt.events],
    )
