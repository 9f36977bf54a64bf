"""BSPs offer, DSOs and BSPs agree: what selections rest on is committed to before they are made (SES-5,
PRIV-3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from registry.domain.calendar import DeliveryDay
from registry.domain.commands import AcceptAgreements, ProposeAgreements, RecordOffers
from registry.domain.enums import Market
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import owner_of_aggregate, owner_of_product
from registry.domain.procurement import Agreement, Bid
from registry.domain.recorded_offers import AgreementDraft, Offer
from registry.ports import Receipt, Signer
from registry.services.recorder import Recorder
from registry.services.sealing import auditors, opened_for, seal

OFFERS_PER_TRANSACTION: Final = 100


def offer_bids(recorder: Recorder, bsp: int, signer: Signer, bids: Sequence[Bid]) -> list[Receipt]:
    """Commit to bids on the ledger, one transaction per day, market and session (SES-5).

    Only the operator whose product it is and the auditor can open a bid; for the others there is one more
    offer of the aggregate.

    Raises:
        RuleViolation: SES-4, the session's gate has closed; SES-1, there is no such day; AGG-1, an aggregate
            of another BSP; PRD-1, a product that nobody published; SES-5, a bid that is none. Nothing is
            recorded then of its day, market and session.
    """
    readers = auditors(recorder.mirror)
    for product in sorted({bid.product for bid in bids}):
        _require_published(recorder, product)
    sessions: dict[tuple[int, Market, int], list[Offer]] = {}
    for bid in bids:
        payload = bid.as_payload()
        Bid.from_payload(payload)
        sealed = seal(recorder.vault, payload, (bsp, owner_of_product(bid.product), *readers))
        offer = Offer(sealed, bid.aggregate, bid.perimeter)
        sessions.setdefault((bid.day, bid.market, bid.session), []).append(offer)
    return [
        recorder.record(RecordOffers(bsp, *session, tuple(offers)), signer)
        for session, offers in sessions.items()
    ]


def propose_agreement(
    recorder: Recorder, proposer: int, signer: Signer, agreement: Agreement
) -> tuple[bytes, Receipt]:
    """Propose an availability agreement to the other party: its commitment, and the transaction (SES-5).

    Raises:
        RuleViolation: SES-5, the proposer is neither the DSO whose product it is nor the aggregate's BSP, or
            the agreement is about no day; PRD-1, a product that nobody published.
    """
    _require_published(recorder, agreement.product)
    if agreement.until_day <= agreement.from_day:
        raise RuleViolation(
            rule="SES-5",
            field="until_day",
            found=DeliveryDay.from_number(agreement.until_day).date,
            allowed=f"a day after {DeliveryDay.from_number(agreement.from_day).date}, the first one",
        )
    dso, bsp = owner_of_product(agreement.product), owner_of_aggregate(agreement.aggregate)
    payload = agreement.as_payload()
    Agreement.from_payload(payload)
    sealed = seal(recorder.vault, payload, (dso, bsp, *auditors(recorder.mirror)))
    draft = AgreementDraft(sealed, dso, agreement.aggregate)
    return sealed, recorder.record(ProposeAgreements(proposer, (draft,)), signer)


def accept_agreement(recorder: Recorder, acceptor: int, signer: Signer, commitment: bytes) -> Receipt:
    """Accept a proposed agreement whose terms this party can read (SES-5).

    Raises:
        RuleViolation: PRIV-3, this node cannot open it; SES-5, there is no such proposal, it is about another
            aggregate or DSO than its terms say, or it is not this party's to accept.
    """
    agreement = Agreement.from_payload(opened_for(recorder.vault, acceptor, commitment, "agreement").payload)
    view = recorder.mirror.agreement(commitment)
    said = owner_of_product(agreement.product), agreement.aggregate
    recorded = None if view is None else (view.dso, view.aggregate)
    if recorded != said:
        raise RuleViolation(
            rule="SES-5", field="agreement", found=recorded, allowed=f"proposed for DSO and aggregate {said}"
        )
    return recorder.record(AcceptAgreements(acceptor, (commitment,)), signer)


def _require_published(recorder: Recorder, product: int) -> None:
    """The ledger cannot see what a commitment is about; a bid for nothing would be a secret for ever."""
    if recorder.mirror.product(product) is None:
        raise RuleViolation(rule="PRD-1", field="product", found=product, allowed="a published product")
