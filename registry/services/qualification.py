"""Is an aggregate qualified for a product? With the chain of equivalences, or the rule that failed (TOE-2),
and with the operator that has to test it (TOE-3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.domain.aggregates import Scope
from registry.domain.calendar import DeliveryDay, from_unix, unix
from registry.domain.equivalences import Acceptance, Equivalence, sides_of
from registry.domain.errors import RuleViolation
from registry.domain.prequalification import Qualification, relevant_change
from registry.domain.qualified import QualificationAnswer, Relation, qualification_answer
from registry.domain.refusals import Refusal
from registry.ports import Mirror
from registry.services.recorder import every
from registry.views import EquivalenceView, PodView

NO_EVIDENCE = bytes(32)
"""Evidence hash of a step that rests on nothing but itself."""


@dataclass(frozen=True, slots=True)
class AskedQualification:
    """The question and its answer."""

    aggregate: int
    product: int
    at: datetime
    answer: QualificationAnswer

    def as_document(self) -> dict[str, Any]:
        """The answer in text and numbers."""
        document: dict[str, Any] = {
            "aggregate": self.aggregate,
            "product": self.product,
            "at": self.at.isoformat(),
            "qualified": self.answer.qualified,
            "chain": list(self.answer.chain),
            "test": {"operator": self.answer.duty.operator, "product": self.answer.duty.product},
            "tested_aggregate": self.answer.tested_aggregate or None,
            "valid_until": from_unix(self.answer.valid_until).isoformat()
            if self.answer.valid_until
            else None,
        }
        if self.answer.refusal is not None:
            document["refusal"] = self.answer.refusal.as_dict()
        return document


def qualification_of(
    mirror: Mirror,
    aggregate: int,
    product: int,
    at: datetime,
    day: DeliveryDay,
    as_of: datetime | None = None,
) -> AskedQualification:
    """Answer the question from the register, for an instant and the PODs of a delivery day, with what was
    recorded until ``as_of``.

    Raises:
        RuleViolation: AGG-1 or PRD-1, no such aggregate or product.
    """
    asking = mirror.aggregate(aggregate, as_of=as_of)
    if asking is None:
        raise RuleViolation(rule="AGG-1", field="aggregate", found=aggregate, allowed="a recorded aggregate")
    if mirror.product(product, as_of=as_of) is None:
        raise RuleViolation(rule="PRD-1", field="product", found=product, allowed="a published product")

    def recorded(tested: int, tested_product: int) -> Qualification:
        view = mirror.qualification(tested, tested_product, as_of=as_of)
        if view is None:
            return Qualification()
        valid_until = unix(view.valid_until) if view.valid_until is not None else 0
        return Qualification(view.state, valid_until, view.tested)

    def change_of(tested: int, tested_product: int) -> Refusal | None:
        terms = mirror.product(tested_product, as_of=as_of)
        assert terms is not None, "the ledger qualifies for published products only"
        then = recorded(tested, tested_product).tested
        now = mirror.roster(tested, day=day.number, as_of=as_of)
        return relevant_change(tested, tested_product, then, now, terms.terms.tolerance_ppm)

    pods = _members(mirror, aggregate, day, as_of)
    equivalences = every(lambda after, limit: mirror.equivalences(as_of=as_of, after=after, limit=limit))
    answer = qualification_answer(
        aggregate=aggregate,
        product=product,
        time=unix(at),
        qualification_of=recorded,
        equivalences=[_row(view) for view in equivalences],
        change_of=change_of,
        connecting={pod.dso for pod in pods},
        related=_relations(mirror, pods, asking.scope, day, as_of),
    )
    return AskedQualification(aggregate, product, at, answer)


def _members(mirror: Mirror, aggregate: int, day: DeliveryDay, as_of: datetime | None) -> list[PodView]:
    return list(
        every(
            lambda after, limit: mirror.pods(
                day=day.number, aggregate=aggregate, as_of=as_of, after=after, limit=limit
            )
        )
    )


def _relations(
    mirror: Mirror, own: Sequence[PodView], scope: Scope, day: DeliveryDay, as_of: datetime | None
) -> list[Relation]:
    """Aggregates of the other scope that share these PODs with the one of ``scope`` that they are in
    (AGG-3).
    """
    shared = Counter(pod.global_aggregate if scope is Scope.LOCAL else pod.local_aggregate for pod in own)
    return [
        Relation(other, count, mirror.pool(other, day=day.number, as_of=as_of).pods, len(own))
        for other, count in sorted((key, value) for key, value in shared.items() if key is not None)
    ]


def _row(view: EquivalenceView) -> Equivalence:
    accepted = Acceptance.NONE
    if view.revoked_by is None:
        for operator in (view.proposed_by, *view.accepted_by):
            accepted |= sides_of(operator, view.from_product, view.to_product)
    return Equivalence(view.from_product, view.to_product, accepted)
