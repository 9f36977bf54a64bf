"""Whether an aggregate is qualified for a product: itself, or over a chain of equivalences from what it or
its twin was tested for, and who has to test it (TOE-2, TOE-3, TOE-4).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from registry.domain.enums import QualificationState
from registry.domain.equivalences import Equivalence
from registry.domain.identifiers import owner_of_product
from registry.domain.prequalification import Qualification
from registry.domain.refusals import Refusal

MAX_CHAIN = 4
"""Most products in a chain of equivalences, the tested and the asked one included."""


def check_chain_length(chain: Sequence[int]) -> None:
    """Refuse a chain of no or of too many products (TOE-2).

    Raises:
        Refusal: TOE-2 ChainMalformed.
    """
    if not 0 < len(chain) <= MAX_CHAIN:
        raise Refusal("ChainMalformed", product=chain[-1] if chain else 0, length=len(chain), limit=MAX_CHAIN)


@dataclass(frozen=True, slots=True)
class Relation:
    """An aggregate that could have been tested instead of the asking one.

    PODs of both, on the day asked for (AGG-3, TOE-2).
    """

    aggregate: int
    shared: int
    pods: int
    asking_pods: int

    @property
    def identical(self) -> bool:
        """Whether both have exactly the same PODs, and any."""
        return self.shared > 0 and self.shared == self.pods == self.asking_pods


def check_chain(
    *,
    aggregate: int,
    tested: int,
    chain: Sequence[int],
    time: int,
    holds: Callable[[tuple[int, int]], bool],
    relation_of: Callable[[int], Relation],
    qualification_of: Callable[[int, int], Qualification],
    change_of: Callable[[int, int], Refusal | None],
) -> None:
    """Refuse unless `aggregate` is qualified at `time` for the last product of `chain` (TOE-1, TOE-2).

    1. The chain has 1 to 4 products, each link an equivalence in force. 2. The aggregate itself was tested,
    or one of the other scope with the same PODs. 3. The source qualification lives. 4. What was tested is
    what there is (PRQ-2).

    Args:
        aggregate: who is to be qualified.
        tested: who was tested for the first product.
        chain: products from the tested one to the one asked for.
        time: Unix seconds.
        holds: whether the equivalence of two products is in force.
        relation_of: how the PODs of a tested aggregate relate to those of the asking one.
        qualification_of, change_of: as for :func:`qualification_answer`.

    Raises:
        Refusal: TOE-2 ChainMalformed or AggregatesNotIdentical, TOE-1 EquivalenceNotInForce, PRQ-1
            NotQualified, PRQ-2 AggregateChanged.
    """
    # 1
    check_chain_length(chain)
    for link in pairwise(chain):
        if not holds(link):
            raise Refusal("EquivalenceNotInForce", from_=link[0], to=link[1])
    # 2
    if tested != aggregate:
        relation = relation_of(tested)
        if not relation.identical:
            raise not_identical(aggregate, relation)
    # 3
    source = qualification_of(tested, chain[0])
    state = source.state_at(time)
    if state is not QualificationState.QUALIFIED:
        raise not_qualified(tested, chain[0], state, source.valid_until)
    # 4
    if change := change_of(tested, chain[0]):
        raise change


@dataclass(frozen=True, slots=True)
class DutyToTest:
    """Who has to test an aggregate so that it can be qualified for the product asked for (TOE-3).

    Attributes:
        operator: the connecting operator where an equivalence in force leads from a product of its own to the
            one asked for, otherwise the procuring operator.
        chain: the products from the one that is tested for to the one asked for.
    """

    operator: int
    chain: tuple[int, ...]

    @property
    def product(self) -> int:
        """The product that the test is for."""
        return self.chain[0]


@dataclass(frozen=True, slots=True)
class QualificationAnswer:
    """Whether an aggregate is qualified for a product, and why (TOE-2).

    Attributes:
        duty: who had to test it, or has to (TOE-3).
        tested_aggregate, chain: the aggregate that holds the qualification and the products from the tested
        to the asked one;
            0 and empty if there is none.
        valid_until: end of the qualification it rests on, Unix seconds.
        refusal: the rule that failed, None if it is qualified.
    """

    duty: DutyToTest
    tested_aggregate: int
    chain: tuple[int, ...]
    valid_until: int
    refusal: Refusal | None

    @property
    def qualified(self) -> bool:
        return self.refusal is None


def qualification_answer(
    *,
    aggregate: int,
    product: int,
    time: int,
    qualification_of: Callable[[int, int], Qualification],
    equivalences: Iterable[Equivalence],
    connecting: Collection[int],
    change_of: Callable[[int, int], Refusal | None],
    related: Iterable[Relation] = (),
) -> QualificationAnswer:
    """Whether `aggregate` is qualified for `product` at `time`, by which chain, or which rule failed (TOE-2).

    1. Look for the shortest chain of equivalences in force that starts at a product for which the aggregate
    itself, or one with the same PODs, holds a living qualification and has not changed since (PRQ-2).
    2. If there is none, name what is nearest to one: an own qualification that doesn't live or whose
    aggregate has changed, then an aggregate that was tested and has other PODs, then an equivalence that is
    not in force, then nothing at all.

    Products and aggregates are tried in the order of their numbers, so that there is one answer. It rests on
    what is recorded now, so whatever ends the source ends it (TOE-4).

    Args:
        aggregate: who asks.
        product: what for.
        time: Unix seconds.
        qualification_of: recorded qualification of an aggregate and a product.
        equivalences: all proposed ones, in force or not.
        change_of: what has changed about an aggregate since it was qualified for a product
        (`relevant_change`).
        connecting: the DSOs of the asking aggregate's PODs.
        related: aggregates of the other scope that share PODs with the asking one.
    """
    rows = sorted(equivalences, key=lambda row: (row.from_product, row.to_product))
    relations = sorted(
        (relation for relation in related if relation.shared), key=lambda relation: relation.aggregate
    )
    in_force = [row for row in rows if row.holds]
    chains = list(_chains_to(product, in_force))

    def lives(tested: int, tested_product: int) -> bool:
        state = qualification_of(tested, tested_product).state_at(time)
        return state is QualificationState.QUALIFIED and change_of(tested, tested_product) is None

    # 1
    tested_ones = [aggregate, *(relation.aggregate for relation in relations if relation.identical)]
    for chain in chains:
        for tested in tested_ones:
            if lives(tested, chain[0]):
                return QualificationAnswer(
                    DutyToTest(owner_of_product(chain[0]), chain),
                    tested,
                    chain,
                    qualification_of(tested, chain[0]).valid_until,
                    None,
                )
    # 2
    duty = duty_to_test(chains, connecting)
    own = qualification_of(aggregate, product)
    own_state = own.state_at(time)
    if own_state is QualificationState.QUALIFIED and (change := change_of(aggregate, product)):
        return _refused(duty, change)
    if own_state is not QualificationState.NONE:
        return _refused(duty, not_qualified(aggregate, product, own_state, own.valid_until))
    for chain in chains:
        for relation in relations:
            if not relation.identical and lives(relation.aggregate, chain[0]):
                return _refused(duty, not_identical(aggregate, relation))
    for chain in _chains_to(product, rows):
        if any(lives(tested, chain[0]) for tested in tested_ones):
            holding = {(row.from_product, row.to_product) for row in in_force}
            broken = next(link for link in pairwise(chain) if link not in holding)
            return _refused(duty, Refusal("EquivalenceNotInForce", from_=broken[0], to=broken[1]))
    return _refused(duty, not_qualified(aggregate, product, own_state, own.valid_until))


def _chains_to(product: int, rows: Sequence[Equivalence]) -> Iterator[tuple[int, ...]]:
    """All chains of at most four different products that end at `product`, shortest first."""
    reached: list[tuple[int, ...]] = [(product,)]
    while reached:
        yield from reached
        reached = [
            (row.from_product, *chain)
            for chain in reached
            if len(chain) < MAX_CHAIN
            for row in rows
            if row.to_product == chain[0] and row.from_product not in chain
        ]


def duty_to_test(chains: Sequence[tuple[int, ...]], connecting: Collection[int]) -> DutyToTest:
    """Who tests for the last product of `chains` (TOE-3): all ways to it by equivalences in force, shortest
    first, so that the one without an equivalence stands at the front.
    """
    for chain in chains:
        if owner_of_product(chain[0]) in connecting:
            return DutyToTest(owner_of_product(chain[0]), chain)
    return DutyToTest(owner_of_product(chains[0][0]), chains[0])


def _refused(duty: DutyToTest, refusal: Refusal) -> QualificationAnswer:
    return QualificationAnswer(duty, 0, (), 0, refusal)


def not_qualified(aggregate: int, product: int, state: QualificationState, valid_until: int) -> Refusal:
    """The refusal of a qualification that does not live (PRQ-1)."""
    return Refusal("NotQualified", aggregate=aggregate, product=product, state=state, valid_until=valid_until)


def not_identical(aggregate: int, relation: Relation) -> Refusal:
    """The refusal of a test of other PODs (TOE-2)."""
    return Refusal(
        "AggregatesNotIdentical",
        tested=relation.aggregate,
        asking=aggregate,
        shared=relation.shared,
        tested_pods=relation.pods,
        asking_pods=relation.asking_pods,
    )
