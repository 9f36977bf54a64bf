"""What routes need: the node, the caller, paging, `as_of`, the caller's ledger key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.problems import NotFound, Unauthenticated
from api.schemas.answers import Page, Written, answer
from registry.bootstrap import Node
from registry.domain.calendar import DeliveryDay, from_unix
from registry.domain.errors import InputInvalid, RuleViolation
from registry.ports import Receipt, Signer
from registry.services.identity import ANYONE, Principal
from registry.views import View

PAGE_MAX = 1000
_bearer = HTTPBearer(auto_error=False, description="JWT of a participant, or one a PGUI signed with its device key")
Row = TypeVar("Row", bound=View)


def get_node(request: Request) -> Node:
    """The node this application serves."""
    return cast(Node, request.app.state.node)


NodeDep = Annotated[Node, Depends(get_node)]


def get_caller(
    node: NodeDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    """Who asks; without a token, anyone."""
    return node.tokens.check(credentials.credentials) if credentials is not None else ANYONE


Caller = Annotated[Principal, Depends(get_caller)]


def get_known_caller(caller: Caller) -> Principal:
    """Who asks; a token is needed."""
    if caller is ANYONE:
        raise Unauthenticated(
            rule="ACT-1", field="authorization", found="no token", allowed="Authorization: Bearer with a valid token"
        )
    return caller


KnownCaller = Annotated[Principal, Depends(get_known_caller)]


def get_as_of(
    as_of: Annotated[str | None, Query(description="what was recorded until this instant (ISO 8601 with zone)")] = None,
) -> datetime | None:
    """The instant of record time that is asked for, or None for now."""
    if as_of is None:
        return None
    try:
        instant = datetime.fromisoformat(as_of)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InputInvalid(
            rule="TIM-1", field="as_of", found=as_of, allowed="an instant with its zone, such as 2026-06-18T10:00:00Z (+ written %2B)"
        )
    return instant.astimezone(UTC)


AsOf = Annotated[datetime | None, Depends(get_as_of)]
After = Annotated[str | None, Query(max_length=300, description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


def page_of(rows: Sequence[Row], limit: int, visible: Callable[[Row], bool] = lambda _: True) -> Page[Any]:
    """A page; rows the caller may not see are left out, the key goes on behind them."""
    last = rows[-1].key if len(rows) == limit else None
    return Page[Any](items=[answer(row).model_dump(mode="json") for row in rows if visible(row)], next=last)


def existing(row: Row | None, visible: Callable[[Row], bool], what: str, found: object) -> Row:
    """The row, if it is there for this caller.

    Raises:
        NotFound: otherwise; hidden and missing are not told apart.
    """
    if row is None or not visible(row):
        raise NotFound(rule="API-2", field=what, found=found, allowed=f"a {what} that exists for the caller")
    return row


def hex_id(text: str, what: str = "id") -> bytes:
    """32 bytes from the path.

    Raises:
        InputInvalid: API-1.
    """
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if len(data) != 32:
        raise InputInvalid(rule="API-1", field=what, found=text[:100], allowed="64 hexadecimal digits")
    return data


def delivery_day(text: str) -> DeliveryDay:
    """A delivery day from the path.

    Raises:
        InputInvalid: TIM-1.
    """
    try:
        return DeliveryDay(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date())
    except ValueError:
        raise InputInvalid(rule="TIM-1", field="day", found=text[:100], allowed="an ISO date, such as 2026-06-18") from None


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
            allowed=f"a party whose key this node holds: {sorted(node.signers)}",
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
