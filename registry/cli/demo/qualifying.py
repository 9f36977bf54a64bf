"""Act 5: products, the Table of Equivalences, aggregates, prequalification."""

from __future__ import annotations

from itertools import product as pairs

from rich.table import Table

from registry.cli.demo.registering import DemoPod, working_pods
from registry.cli.demo.scenario import (
    BALANCING,
    BSPS,
    CONGESTION,
    DAY,
    DSO,
    FAST,
    GLOBAL,
    LOCAL,
    PRODUCT_NAMES,
    PRODUCTS,
    TEST_PERFORMANCE_PERMILLE,
    TSO,
)
from registry.cli.demo.stage import Stage
from registry.cli.outcome import DemoFailed
from registry.domain.aggregates import AggregateDraft, Scope, configuration
from registry.domain.commands import (
    AcceptEquivalences,
    ApplyForQualification,
    CreateAggregates,
    JoinAggregate,
    MoveQualification,
    ProposeEquivalences,
    PublishProducts,
)
from registry.domain.identifiers import owner_of_product
from registry.domain.prequalification import QualificationState
from registry.services.qualification import NO_EVIDENCE, qualification_of

JOINS = 100


def publish_products(stage: Stage) -> None:
    """Products of TSO and DSO, and the one equivalence between them (PRD-1, TOE-1)."""
    record = stage.node.recorder.record
    for operator, products in PRODUCTS.items():
        record(PublishProducts(operator, products), stage.signer(operator))
        for product in products:
            stage.say(f"product {product.product} of party {operator}: {PRODUCT_NAMES[product.product]}")
    record(ProposeEquivalences(DSO, (CONGESTION,), (BALANCING,)), stage.signer(DSO))
    record(AcceptEquivalences(TSO, (CONGESTION,), (BALANCING,)), stage.signer(TSO))
    stage.say(f"equivalence {CONGESTION} → {BALANCING}: proposed by the DSO, accepted by the TSO, in force")
    stage.refused(
        "TOE-1",
        f"propose an equivalence {CONGESTION} → {FAST}, tested on other equipment",
        lambda: record(ProposeEquivalences(DSO, (CONGESTION,), (FAST,)), stage.signer(DSO)),
    )


def form_aggregates(stage: Stage) -> None:
    """Aggregates in all four configurations of D4.1 Table 8 (AGG-1..3)."""
    record = stage.node.recorder.record
    members = memberships(working_pods(stage))
    stage.facts["members"] = members
    for bsp in BSPS:
        drafts = (
            AggregateDraft(LOCAL[bsp], Scope.LOCAL, bytes(32)),
            AggregateDraft(GLOBAL[bsp], Scope.GLOBAL, bytes(32)),
        )
        record(CreateAggregates(bsp, drafts), stage.signer(bsp))
        for aggregate in (LOCAL[bsp], GLOBAL[bsp]):
            pods = members[aggregate]
            for start in range(0, len(pods), JOINS):
                record(JoinAggregate(bsp, aggregate, tuple(pods[start : start + JOINS])), stage.signer(bsp))
    table = Table(box=None, padding=(0, 2))
    for column in ("local", "global", "BSPs", "shared PODs", "configuration (Table 8)", "ToE applies"):
        table.add_column(column)
    seen = set()
    for local, global_ in pairs(LOCAL.items(), GLOBAL.items()):
        found = configuration(members[local[1]], members[global_[1]])
        if found in seen:
            continue
        seen.add(found)
        shared = len(set(members[local[1]]) & set(members[global_[1]]))
        table.add_row(
            str(local[1]),
            str(global_[1]),
            str(local[0]) if local[0] == global_[0] else f"{local[0]}, {global_[0]}",
            str(shared),
            found.name.lower(),
            "yes" if found.equivalence_applies else "no",
        )
    stage.console.print(table)
    if len(seen) != 4:
        raise DemoFailed(f"found the configurations {seen}, expected all four of Table 8")
    stage.refused(
        "AGG-2",
        "put a POD into a second local aggregate",
        lambda: _join_twice(stage, members),
    )


def prequalify(stage: Stage) -> None:
    """One test and two qualifications where the equivalence holds; a refusal with its rule where it does
    not (PRQ-1, TOE-2).
    """
    for bsp in BSPS:
        test(stage, bsp, LOCAL[bsp], CONGESTION)
    show_answer(stage, GLOBAL[BSPS[0]], BALANCING)
    show_answer(stage, GLOBAL[BSPS[0]], FAST)
    show_answer(stage, GLOBAL[BSPS[1]], BALANCING)
    for bsp in BSPS[1:]:
        test(stage, bsp, GLOBAL[bsp], BALANCING)
    stage.refused(
        "PRQ-1",
        "the TSO decides about the DSO's product",
        lambda: move(stage, TSO, LOCAL[BSPS[0]], CONGESTION, QualificationState.SUSPENDED),
    )


def memberships(pods: list[DemoPod]) -> dict[int, list[bytes]]:
    """Members of every aggregate: the first BSP's two are identical, the second's local one is inside its
    global one, the third's
    overlap in part; those of different BSPs are disjoint.
    """
    own = {bsp: [pod.pod_id for pod in pods if pod.bsp == bsp] for bsp in BSPS}
    first, second, third = (own[bsp] for bsp in BSPS)
    cut = len(third) // 4
    return {
        LOCAL[BSPS[0]]: first,
        GLOBAL[BSPS[0]]: first,
        LOCAL[BSPS[1]]: [pod for number, pod in enumerate(second) if number % 2 == 0],
        GLOBAL[BSPS[1]]: second,
        LOCAL[BSPS[2]]: third[: len(third) - cut],
        GLOBAL[BSPS[2]]: third[cut:],
    }


def test(stage: Stage, bsp: int, aggregate: int, product: int) -> None:
    """The whole way of an application: requested, testing, qualified."""
    operator = owner_of_product(product)
    stage.node.recorder.record(
        ApplyForQualification(bsp, (aggregate,), (product,), (NO_EVIDENCE,)), stage.signer(bsp)
    )
    move(stage, operator, aggregate, product, QualificationState.TESTING)
    move(stage, operator, aggregate, product, QualificationState.QUALIFIED)
    stage.say(
        f"aggregate {aggregate} tested for {PRODUCT_NAMES[product]} by party {operator}: "
        f"{TEST_PERFORMANCE_PERMILLE / 10:.0f} %, qualified"
    )


def move(stage: Stage, operator: int, aggregate: int, product: int, state: QualificationState) -> None:
    """One step of an operator."""
    performance = TEST_PERFORMANCE_PERMILLE if state is QualificationState.QUALIFIED else 0
    stage.node.recorder.record(
        MoveQualification(operator, (aggregate,), (product,), (state,), (performance,), (NO_EVIDENCE,)),
        stage.signer(operator),
    )


def show_answer(stage: Stage, aggregate: int, product: int) -> None:
    """Ask the register whether an aggregate is qualified on the delivery day, and show the chain or the
    rule.
    """
    asked = qualification_of(stage.node.mirror, aggregate, product, DAY.starts_at, DAY)
    answer, question = asked.answer, f"is {aggregate} qualified for {PRODUCT_NAMES[product]}?"
    if answer.refusal is not None:
        stage.note_refusal(question, answer.refusal)
        return
    chain = " → ".join(str(number) for number in answer.chain)
    stage.say(f"{question} [green]yes[/]: {answer.tested_aggregate} was tested, chain {chain}")


def _join_twice(stage: Stage, members: dict[int, list[bytes]]) -> None:
    bsp = BSPS[1]
    second = LOCAL[bsp] + 9
    stage.node.recorder.record(
        CreateAggregates(bsp, (AggregateDraft(second, Scope.LOCAL, bytes(32)),)), stage.signer(bsp)
    )
    stage.node.recorder.record(JoinAggregate(bsp, second, (members[LOCAL[bsp]][0],)), stage.signer(bsp))
