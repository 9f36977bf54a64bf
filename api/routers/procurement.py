"""Agreements, bids and the merit order: what selections rest on (SES-5, PRIV-3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from api.deps import (
    AsOf,
    BspCaller,
    Commitment,
    DsoCaller,
    KnownCaller,
    NodeDep,
    PathDay,
    existing,
    signer_for,
    written,
)
from api.pages import PAGE_DEFAULT, After, Limit, page_model, page_of
from api.schemas.answers import Committed, Page, Written, answer, answer_model
from api.schemas.documents import MeritOrder, MeritRow, OpenedCommitment, Openings, OpeningsKept
from api.schemas.requests import AgreementBody, OffersBody, OpeningsBody
from api.sight import require_role
from api.visibility import AGGREGATES, AGREEMENTS, OFFERS, PARTICIPANTS, sees_opening
from registry.domain.enums import Market
from registry.domain.events import OfferRecorded
from registry.domain.identifiers import owner_of_perimeter, owner_of_product
from registry.domain.procurement import Agreement, Bid
from registry.domain.quantities import Direction
from registry.services.identity import Principal, Role
from registry.services.merit import merit_list
from registry.services.openings_of_day import openings_of_day
from registry.services.procurement import accept_agreement, offer_bids, propose_agreement
from registry.services.sealing import opened
from registry.services.take_openings import Handed, take_openings
from registry.views import AgreementView, OfferView

router = APIRouter(prefix="/v1", tags=["procurement"])
DIRECTIONS = {direction.name.lower(): direction for direction in Direction}


@router.post("/offers", status_code=201)
def offer(node: NodeDep, caller: BspCaller, body: OffersBody) -> Committed:
    """Offer for a session before its gate, all or none; stands for the later sessions of the day, too, until
    the aggregate offers anew. `commitments` name the bids, in their order, for the selections that rest on
    them.
    """
    for item in body.offers:
        row = node.mirror.aggregate(item.aggregate)
        existing(row, AGGREGATES.of(caller), "aggregate", item.aggregate)
    bids = [
        Bid(
            item.product,
            item.aggregate,
            item.perimeter,
            body.day.number,
            Market[body.market.upper()],
            body.session,
            tuple(item.kw),
            item.use_price_milli_eur_per_mwh,
        )
        for item in body.offers
    ]
    (receipt,) = offer_bids(node.recorder, caller.party, signer_for(node, caller), bids)
    events = (recorded.event for recorded in receipt.events)
    names = [event.commitment.hex() for event in events if isinstance(event, OfferRecorded)]
    return Committed(**written(receipt).model_dump(), commitments=names)


@router.get("/offers/{day}", response_model=page_model(OfferView))
def offers(
    node: NodeDep,
    caller: KnownCaller,
    day: PathDay,
    as_of: AsOf,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """Who offered when for what, without power and price: a BSP its own, an operator those for its market."""
    scope = OFFERS.filters(caller)
    return page_of(
        OfferView,
        lambda position, size: node.mirror.offers(
            day.number, as_of=as_of, after=position, limit=size, **scope
        ),
        after,
        limit,
        OFFERS.of(caller),
    )


@router.get("/openings/{day}")
def openings(node: NodeDep, caller: KnownCaller, day: PathDay) -> Openings:
    """The bids and deals of a day that the caller may open and this node can, with their salts (PRIV-3): for
    `flexledger verify --openings`, which holds what was selected against the merit of the bids (SES-5).
    """
    require_role(caller, *PARTICIPANTS)
    return Openings(
        openings=[
            OpenedCommitment(commitment=one.commitment.hex(), salt=one.salt.hex(), payload=dict(one.payload))
            for one in openings_of_day(node.recorder, day)
            if sees_opening(caller, one)
        ]
    )


@router.post("/openings", status_code=201)
def hand_over(node: NodeDep, caller: KnownCaller, body: OpeningsBody) -> OpeningsKept:
    """Give this node, the other party's, the openings of own bids and agreements, all or none (PRIV-3)."""
    require_role(caller, Role.DSO, Role.BSP)
    handed = [Handed(bytes.fromhex(one.salt), one.payload) for one in body.openings]
    return OpeningsKept(kept=take_openings(node.recorder, caller.party, handed))


@router.get("/merit/{day}")
def merit(
    node: NodeDep,
    caller: DsoCaller,
    day: PathDay,
    session: Annotated[int, Query(ge=1, le=6)],
    perimeter: Annotated[int, Query(ge=1, le=2**40 - 1)],
    product: Annotated[int, Query(ge=1, le=2**32 - 1)],
    hour: Annotated[int, Query(ge=0, le=24)],
    direction: Literal["up", "down"],
    need_kw: Annotated[int, Query(ge=0, le=2**17 - 1)],
) -> MeritOrder:
    """The local bids of an hour and direction, cheapest first, and what a need takes of each (SES-5)."""
    existing(perimeter, lambda found: owner_of_perimeter(found) == caller.party, "perimeter", perimeter)
    existing(product, lambda found: owner_of_product(found) == caller.party, "product", product)
    if hour >= day.hours:
        existing(None, lambda _: False, "hour", hour)
    way = DIRECTIONS[direction]
    entries = merit_list(node.recorder, day, session, perimeter, product, hour, way, need_kw)
    rows = [
        MeritRow(
            commitment=entry.offer.commitment.hex(),
            aggregate=entry.offer.bid.aggregate,
            use_price_milli_eur_per_mwh=entry.price_milli_eur_per_mwh,
            kw=entry.kw,
            taken_kw=entry.taken_kw,
        )
        for entry in entries
    ]
    return MeritOrder(bids=rows, uncovered_kw=need_kw - sum(row.taken_kw for row in rows))


@router.post("/agreements", status_code=201)
def propose(node: NodeDep, caller: KnownCaller, body: AgreementBody) -> Committed:
    """Propose an availability agreement to the other party: a DSO for its product, or the aggregate's BSP."""
    require_role(caller, Role.DSO, Role.BSP)
    row = node.mirror.aggregate(body.aggregate)
    existing(row, AGGREGATES.of(caller), "aggregate", body.aggregate)
    agreement = Agreement(
        body.product,
        body.aggregate,
        body.perimeter,
        DIRECTIONS[body.direction],
        body.from_day.number,
        body.until_day.number,
        body.available_kw,
        body.availability_price_milli_eur_per_mwh,
        body.use_price_milli_eur_per_mwh,
    )
    commitment, receipt = propose_agreement(node.recorder, caller.party, signer_for(node, caller), agreement)
    return Committed(**written(receipt).model_dump(), commitments=[commitment.hex()])


@router.post("/agreements/{commitment}/acceptance", status_code=201)
def accept(node: NodeDep, caller: KnownCaller, commitment: Commitment) -> Written:
    """Accept a proposed agreement (SES-5)."""
    require_role(caller, Role.DSO, Role.BSP)
    row = _visible(node, caller, commitment)
    return written(accept_agreement(node.recorder, caller.party, signer_for(node, caller), row.commitment))


@router.get("/agreements", response_model=page_model(AgreementView))
def agreements(
    node: NodeDep, caller: KnownCaller, as_of: AsOf, after: After = None, limit: Limit = PAGE_DEFAULT
) -> Page[Any]:
    """Agreements of the caller, for the auditor all: who and since when, without their terms."""
    scope = AGREEMENTS.filters(caller)
    return page_of(
        AgreementView,
        lambda position, size: node.mirror.agreements(as_of=as_of, after=position, limit=size, **scope),
        after,
        limit,
        AGREEMENTS.of(caller),
    )


@router.get("/agreements/{commitment}", response_model=answer_model(AgreementView))
def agreement(node: NodeDep, caller: KnownCaller, commitment: Commitment) -> Any:
    """What the ledger holds of an agreement."""
    return answer(_visible(node, caller, commitment))


@router.get("/agreements/{commitment}/terms")
def terms(node: NodeDep, caller: KnownCaller, commitment: Commitment) -> OpenedCommitment:
    """Days, power and prices, with the salt that opens the commitment (PRIV-3)."""
    row = _visible(node, caller, commitment)
    opening = opened(node.vault, row.commitment, "agreement")
    existing(opening, lambda found: sees_opening(caller, found), "commitment", commitment)
    return OpenedCommitment(commitment=commitment, salt=opening.salt.hex(), payload=dict(opening.payload))


def _visible(node: NodeDep, caller: Principal, commitment: str) -> AgreementView:
    row = node.mirror.agreement(bytes.fromhex(commitment))
    return existing(row, AGREEMENTS.of(caller), "commitment", commitment)
