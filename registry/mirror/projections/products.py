"""Products, qualifications and the Table of Equivalences (PRD-1, PRQ-1, TOE-1)."""

from __future__ import annotations

from dataclasses import asdict
from enum import IntEnum

from registry.domain.events import (
    EquivalenceAccepted,
    EquivalenceProposed,
    EquivalenceRevoked,
    ProductPublished,
    QualificationMoved,
)
from registry.domain.identifiers import owner_of_aggregate, owner_of_product
from registry.domain.products import Product
from registry.mirror.changes import Changes, Projection
from registry.mirror.keys import area_part, key, product_part
from registry.mirror.tables import Equivalence, ProductRow, Qualification


def terms_json(terms: Product) -> dict[str, int | str]:
    """A product's terms as JSON types: bytes in hex."""
    return {name: _json(value) for name, value in asdict(terms).items()}


def _json(value: int | bytes | IntEnum) -> int | str:
    return value.hex() if isinstance(value, bytes) else int(value)


def _published(changes: Changes, event: ProductPublished, _time: int) -> None:
    row = {
        "product": event.product,
        "operator": event.operator,
        "terms": terms_json(event.terms),
        "superseded_by": None,
    }
    changes.put(ProductRow, product_part(event.product), row)
    if event.terms.supersedes:
        changes.amend(ProductRow, product_part(event.terms.supersedes), superseded_by=event.product)


def _moved(changes: Changes, event: QualificationMoved, _time: int) -> None:
    row = {
        "aggregate": event.aggregate,
        "product": event.product,
        "bsp": owner_of_aggregate(event.aggregate),
        "operator": owner_of_product(event.product),
        "state": int(event.state),
        "actor": event.actor,
        "valid_until": event.valid_until,
        "performance_permille": event.performance_permille,
        "evidence_hash": event.evidence_hash,
        "tested_changes": event.tested.changes,
        "tested_up_kw": event.tested.up_kw,
        "tested_down_kw": event.tested.down_kw,
    }
    changes.put(Qualification, key(area_part(event.aggregate), product_part(event.product)), row)


def _proposed(changes: Changes, event: EquivalenceProposed, _time: int) -> None:
    row = {
        "from_product": event.from_,
        "to_product": event.to,
        "proposed_by": event.operator,
        "accepted_by": [],
        "revoked_by": None,
        "holds": False,
    }
    changes.put(Equivalence, _link(event), row)


def _accepted(changes: Changes, event: EquivalenceAccepted, _time: int) -> None:
    known = changes.need(Equivalence, _link(event))["accepted_by"]
    accepted = sorted({*known, event.operator})
    changes.amend(Equivalence, _link(event), accepted_by=accepted, holds=event.holds)


def _revoked(changes: Changes, event: EquivalenceRevoked, _time: int) -> None:
    changes.amend(Equivalence, _link(event), revoked_by=event.operator, holds=False)


def _link(event: EquivalenceProposed | EquivalenceAccepted | EquivalenceRevoked) -> str:
    return key(product_part(event.from_), product_part(event.to))


PROJECTIONS: dict[str, Projection] = {
    "ProductPublished": _published,
    "QualificationMoved": _moved,
    "EquivalenceProposed": _proposed,
    "EquivalenceAccepted": _accepted,
    "EquivalenceRevoked": _revoked,
}
