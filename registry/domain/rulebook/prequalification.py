"""Products, qualifications and equivalences in memory (PRD-1, PRQ-1, PRQ-2, TOE-1, TOE-2, TOE-4).

As contracts/src/Prequalification.sol.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from registry.domain.commands import (
    AcceptEquivalences,
    ApplyForQualification,
    Command,
    MoveQualification,
    ProposeEquivalences,
    PublishProducts,
    RevokeEquivalences,
)
from registry.domain.equivalences import Acceptance, Equivalence, check_equivalence, sides_of
from registry.domain.events import (
    EquivalenceAccepted,
    EquivalenceProposed,
    EquivalenceRevoked,
    Event,
    ProductPublished,
    QualificationMoved,
)
from registry.domain.identifiers import owner_of_aggregate, owner_of_product
from registry.domain.participants import PartyKind
from registry.domain.pods import UNTESTED
from registry.domain.prequalification import (
    Qualification,
    QualificationState,
    may_apply,
    may_move,
    passes,
    relevant_change,
)
from registry.domain.products import Product, check_product
from registry.domain.qualified import QualificationAnswer, Relation, check_chain, qualification_answer
from registry.domain.quantities import Direction
from registry.domain.refusals import Refusal
from registry.domain.rulebook.aggregates import AggregatesBook
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.sessions import SessionsBook
from registry.domain.rulebook.state import Call, Journal, Table
from registry.domain.sessions import DAY_S


class PrequalificationBook:
    """Products, qualifications by aggregate and product, and equivalences."""

    def __init__(
        self,
        journal: Journal,
        participants: ParticipantsBook,
        sessions: SessionsBook,
        aggregates: AggregatesBook,
    ) -> None:
        self._participants = participants
        self._sessions = sessions
        self._aggregates = aggregates
        self._products: Table[int, Product | None] = Table(journal, None)
        self._qualifications: Table[tuple[int, int], Qualification] = Table(journal, Qualification())
        self._equivalences: Table[tuple[int, int], Acceptance] = Table(journal, Acceptance.NONE)

    def execute(self, command: Command, call: Call) -> list[Event]:
        """Apply a command about products, qualifications or equivalences.

        Raises:
            Refusal: ACT-1, PRD-1, PRQ-1, TOE-1, AGG-1.
        """
        if isinstance(command, ApplyForQualification):
            self._participants.require(PartyKind.BSP, command.bsp, call)
            return list(self._apply(command, call.now))
        if not isinstance(
            command,
            PublishProducts
            | MoveQualification
            | ProposeEquivalences
            | AcceptEquivalences
            | RevokeEquivalences,
        ):
            raise TypeError(f"{type(command).__name__} is no command of Prequalification")
        tso = self._participants.parties[command.operator].kind is PartyKind.TSO
        self._participants.require(PartyKind.TSO if tso else PartyKind.DSO, command.operator, call)
        match command:
            case PublishProducts():
                return [self._publish(command.operator, product) for product in command.products]
            case MoveQualification():
                return list(self._move_all(command, call.now))
            case ProposeEquivalences():
                pairs = _pairs(command.from_, command.to)
                return [event for a, b in pairs for event in self._propose(command.operator, a, b)]
            case AcceptEquivalences():
                return [self._accept(command.operator, a, b) for a, b in _pairs(command.from_, command.to)]
            case RevokeEquivalences():
                return [self._revoke(command.operator, a, b) for a, b in _pairs(command.from_, command.to)]

    def product_of(self, product: int) -> Product:
        """A published product.

        Raises:
            Refusal: PRD-1 ProductUnknown.
        """
        found = self._products[product]
        if found is None:
            raise Refusal("ProductUnknown", product=product)
        return found

    def require_qualified(
        self, aggregate: int, tested: int, chain: Sequence[int], day: int, time: int
    ) -> None:
        """Refuse unless `aggregate` is qualified at `time` for the last product of `chain`, with the PODs of
        `day` (TOE-1, TOE-2).

        Raises:
            Refusal: as :func:`check_chain`, and AGG-1 AggregateUnknown.
        """
        check_chain(
            aggregate=aggregate,
            tested=tested,
            chain=chain,
            time=time,
            holds=lambda link: self._equivalences[link] is Acceptance.BOTH,
            relation_of=lambda other: self._relation(other, aggregate, day),
            qualification_of=self._recorded,
            change_of=lambda other, product: self._change(other, product, day),
        )

    def answer(self, aggregate: int, product: int, day: int, time: int) -> QualificationAnswer:
        """Whether an aggregate is qualified for a product, with the chain or the rule that failed (TOE-2).

        Raises:
            Refusal: PRD-1 ProductUnknown, AGG-1 AggregateUnknown.
        """
        self.product_of(product)
        self._aggregates.scope_of(aggregate)
        return qualification_answer(
            aggregate=aggregate,
            product=product,
            time=time,
            qualification_of=self._recorded,
            equivalences=[Equivalence(*pair, self._equivalences[pair]) for pair in self._equivalences],
            change_of=lambda tested, of_product: self._change(tested, of_product, day),
            connecting={pod.dso for _, pod in self._aggregates.members(aggregate, 0, day)},
            related=[
                self._relation(other, aggregate, day) for other in self._aggregates.counterparts(aggregate)
            ],
        )

    def _publish(self, operator: int, product: Product) -> Event:
        if owner_of_product(product.product) != operator:
            raise Refusal("ProductOfOther", product=product.product, operator=operator)
        if product.product in self._products:
            raise Refusal("ProductExists", product=product.product)
        check_product(product)
        if product.supersedes:
            self.product_of(product.supersedes)
            if owner_of_product(product.supersedes) != operator:
                raise Refusal("ProductOfOther", product=product.supersedes, operator=operator)
        self._products[product.product] = product
        return ProductPublished(product.product, operator, product)

    def _apply(self, command: ApplyForQualification, now: int) -> Iterator[Event]:
        _same_length(command.aggregates, command.products, command.evidence_hashes)
        rows = zip(command.aggregates, command.products, command.evidence_hashes, strict=True)
        for aggregate, product, evidence_hash in rows:
            self.product_of(product)
            if owner_of_aggregate(aggregate) != command.bsp:
                raise Refusal("StepOfOther", aggregate=aggregate, product=product, caller=command.bsp)
            self._aggregates.scope_of(aggregate)
            state = self._qualifications[aggregate, product].state_at(now)
            if not may_apply(state):
                raise _not_allowed(aggregate, product, state, QualificationState.REQUESTED)
            self._qualifications[aggregate, product] = Qualification(QualificationState.REQUESTED)
            yield QualificationMoved(
                aggregate, product, QualificationState.REQUESTED, command.bsp, 0, 0, evidence_hash, UNTESTED
            )

    def _move_all(self, command: MoveQualification, now: int) -> Iterator[Event]:
        columns = (
            command.aggregates,
            command.products,
            command.states,
            command.performance_permille,
            command.evidence_hashes,
        )
        _same_length(*columns)
        day = self._sessions.first_unfrozen_day(now)
        for aggregate, product, wanted, performance, evidence_hash in zip(*columns, strict=True):
            found = self._move(command.operator, aggregate, product, wanted, performance, day, now)
            self._qualifications[aggregate, product] = found
            yield QualificationMoved(
                aggregate,
                product,
                wanted,
                command.operator,
                found.valid_until,
                performance,
                evidence_hash,
                found.tested,
            )

    def _move(
        self,
        operator: int,
        aggregate: int,
        product: int,
        wanted: QualificationState,
        performance_permille: int,
        day: int,
        now: int,
    ) -> Qualification:
        """A step of the operator; the way to qualified leads over the test and the minimum power (PRQ-1).

        What a relevant change has suspended can be tested again at once (PRQ-2).
        """
        terms = self.product_of(product)
        if owner_of_product(product) != operator:
            raise Refusal("StepOfOther", aggregate=aggregate, product=product, caller=operator)
        before = self._qualifications[aggregate, product]
        state = before.state_at(now)
        qualifies = wanted is QualificationState.QUALIFIED
        again = (
            qualifies
            and state is QualificationState.QUALIFIED
            and self._change(aggregate, product, day) is not None
        )
        if not (may_move(state, wanted) or again) or (
            qualifies and not passes(performance_permille, terms.tolerance_ppm)
        ):
            raise _not_allowed(aggregate, product, state, wanted)
        if not qualifies:
            return Qualification(wanted, before.valid_until, before.tested)
        roster = self._aggregates.roster(aggregate, day)
        for direction, minimum_kw in ((Direction.UP, terms.min_up_kw), (Direction.DOWN, terms.min_down_kw)):
            if roster.power_kw(direction) < minimum_kw:
                raise Refusal(
                    "PowerBelowProduct",
                    aggregate=aggregate,
                    product=product,
                    found_kw=roster.power_kw(direction),
                    minimum_kw=minimum_kw,
                )
        return Qualification(wanted, now + terms.qualification_days * DAY_S, roster)

    def _recorded(self, aggregate: int, product: int) -> Qualification:
        return self._qualifications[aggregate, product]

    def _change(self, aggregate: int, product: int, day: int) -> Refusal | None:
        """What has changed on a day about an aggregate since it was qualified for a product (PRQ-2)."""
        return relevant_change(
            aggregate,
            product,
            self._qualifications[aggregate, product].tested,
            self._aggregates.roster(aggregate, day),
            self.product_of(product).tolerance_ppm,
        )

    def _propose(self, operator: int, from_: int, to: int) -> list[Event]:
        demanding, demanded = self.product_of(from_), self.product_of(to)
        sides = sides_of(operator, from_, to)
        if not sides or from_ == to or self._equivalences[from_, to]:
            raise Refusal("EquivalenceStep", from_=from_, to=to, operator=operator)
        check_equivalence(demanding, demanded)
        self._equivalences[from_, to] = sides
        proposed = EquivalenceProposed(from_, to, operator)
        if sides is Acceptance.BOTH:
            return [proposed, EquivalenceAccepted(from_, to, operator, holds=True)]
        return [proposed]

    def _accept(self, operator: int, from_: int, to: int) -> Event:
        sides = sides_of(operator, from_, to)
        before = self._equivalences[from_, to]
        if not before or not sides & ~before:
            raise Refusal("EquivalenceStep", from_=from_, to=to, operator=operator)
        accepted = before | sides
        self._equivalences[from_, to] = accepted
        return EquivalenceAccepted(from_, to, operator, holds=accepted is Acceptance.BOTH)

    def _revoke(self, operator: int, from_: int, to: int) -> Event:
        if not self._equivalences[from_, to] or not sides_of(operator, from_, to):
            raise Refusal("EquivalenceStep", from_=from_, to=to, operator=operator)
        self._equivalences[from_, to] = Acceptance.NONE
        return EquivalenceRevoked(from_, to, operator)

    def _relation(self, tested: int, asking: int, day: int) -> Relation:
        """PODs of two aggregates on a day; those of the same scope share none."""
        other_scope = self._aggregates.scope_of(tested) is not self._aggregates.scope_of(asking)
        shared = self._aggregates.shared(tested, asking, 0, day).pods if other_scope else 0
        return Relation(
            tested,
            shared,
            self._aggregates.pool(tested, 0, day).pods,
            self._aggregates.pool(asking, 0, day).pods,
        )


def _pairs(from_: Sequence[int], to: Sequence[int]) -> Iterator[tuple[int, int]]:
    _same_length(from_, to)
    return zip(from_, to, strict=True)


def _same_length(first: Sequence[object], *others: Sequence[object]) -> None:
    for other in others:
        if len(other) != len(first):
            raise Refusal("ListsDiffer", expected=len(first), found=len(other))


def _not_allowed(
    aggregate: int, product: int, state: QualificationState, wanted: QualificationState
) -> Refusal:
    return Refusal("StepNotAllowed", aggregate=aggregate, product=product, state=state, wanted=wanted)
