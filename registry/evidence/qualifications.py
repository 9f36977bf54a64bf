"""Who is qualified for what, by the ledger's events alone: the rules of :mod:`registry.domain.qualified` on
what had been recorded until then (PRQ-1, PRQ-2, TOE-1, TOE-2, TOE-4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from registry.domain.equivalences import Acceptance, Equivalence
from registry.domain.errors import RuleViolation
from registry.domain.events import (
    EquivalenceAccepted,
    EquivalenceProposed,
    EquivalenceRevoked,
    Event,
    ProductPublished,
    QualificationMoved,
)
from registry.domain.prequalification import Qualification, relevant_change
from registry.domain.qualified import QualificationAnswer, Relation, check_chain, qualification_answer
from registry.domain.refusals import Refusal
from registry.evidence.case import pods_on, roster_on
from registry.evidence.facts import Facts


class Qualifications:
    """Products, qualifications and equivalences by some facts, with the PODs as they are on a delivery
    day.
    """

    def __init__(self, facts: Facts, day: int) -> None:
        self._facts = facts
        self._day = day
        self._equivalences = _equivalences(facts)
        self._members: dict[int, set[bytes]] = defaultdict(set)
        for pod, place in pods_on(facts, day).items():
            for aggregate in place.aggregates:
                self._members[aggregate].add(pod)

    def require_chain(self, aggregate: int, tested: int, chain: Sequence[int], time: int) -> None:
        """Check that ``aggregate`` is qualified at a time (Unix seconds) over this chain of products.

        Raises :class:`RuleViolation` (PRQ-1, PRQ-2, TOE-1, TOE-2).
        """
        check_chain(
            aggregate=aggregate,
            tested=tested,
            chain=chain,
            time=time,
            holds=lambda link: self._equivalences.get(link) is Acceptance.BOTH,
            relation_of=lambda other: self._relation(other, aggregate),
            qualification_of=self._recorded,
            change_of=self._change,
        )

    def answer(self, aggregate: int, product: int, time: int) -> QualificationAnswer:
        """Whether ``aggregate`` is qualified for ``product`` at a time (Unix seconds), over any chain. Who
        had to test it is not asked.
        """
        own = self._members[aggregate]
        sharing = [other for other, pods in self._members.items() if other != aggregate and pods & own]
        return qualification_answer(
            aggregate=aggregate,
            product=product,
            time=time,
            qualification_of=self._recorded,
            equivalences=[Equivalence(*link, accepted) for link, accepted in self._equivalences.items()],
            change_of=self._change,
            connecting=(),
            related=[self._relation(other, aggregate) for other in sharing],
        )

    def _recorded(self, aggregate: int, product: int) -> Qualification:
        moved = self._facts.last(
            QualificationMoved, lambda e: (e.aggregate, e.product) == (aggregate, product)
        )
        if moved is None:
            return Qualification()
        return Qualification(moved.event.state, moved.event.valid_until, moved.event.tested)

    def _change(self, aggregate: int, product: int) -> Refusal | None:
        terms = self._facts.last(ProductPublished, lambda event: event.product == product)
        if terms is None:
            raise RuleViolation(rule="PRD-1", field="product", found=product, allowed="a published product")
        then, now = self._recorded(aggregate, product).tested, roster_on(self._facts, aggregate, self._day)
        return relevant_change(aggregate, product, then, now, terms.event.terms.tolerance_ppm)

    def _relation(self, tested: int, asking: int) -> Relation:
        """PODs of two aggregates; those of the same scope share none (AGG-2)."""
        other, own = self._members[tested], self._members[asking]
        return Relation(tested, len(other & own), len(other), len(own))


def _equivalences(facts: Facts) -> dict[tuple[int, int], Acceptance]:
    """All proposed ones, by product from and to: what both operators accepted and neither revoked since is in
    force (TOE-1).
    """
    kinds: tuple[type[Event], ...] = (EquivalenceProposed, EquivalenceAccepted, EquivalenceRevoked)
    records = [record for kind in kinds for record in facts.of(kind)]
    found = {}
    for record in sorted(records, key=lambda record: record.position):
        event = record.event
        holds = isinstance(event, EquivalenceAccepted) and event.holds
        found[event.from_, event.to] = Acceptance.BOTH if holds else Acceptance.NONE
    return found
