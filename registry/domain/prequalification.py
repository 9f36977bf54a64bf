"""Prequalification of aggregates for products: a closed state machine, and what ends a qualification
(PRQ-1, PRQ-2).
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.enums import QualificationState
from registry.domain.identifiers import bytes32_text
from registry.domain.pods import UNTESTED, Roster
from registry.domain.refusals import Refusal

__all__ = [
    "Qualification",
    "QualificationState",
    "Roster",
    "may_apply",
    "may_move",
    "passes",
    "relevant_change",
]

PPM = 1_000_000
PPM_PER_PERMILLE = 1_000

_OPERATOR_STEPS = {
    QualificationState.REQUESTED: {QualificationState.TESTING},
    QualificationState.TESTING: {QualificationState.QUALIFIED, QualificationState.REJECTED},
    QualificationState.QUALIFIED: {QualificationState.SUSPENDED},
    QualificationState.SUSPENDED: {QualificationState.QUALIFIED},
}
_APPLICABLE = {QualificationState.NONE, QualificationState.REJECTED, QualificationState.EXPIRED}


@dataclass(frozen=True, slots=True)
class Qualification:
    """A prequalification as recorded last; `valid_until` in Unix seconds, 0 before it was ever qualified.

    `tested` is what the aggregate was when it was qualified last.
    """

    state: QualificationState = QualificationState.NONE
    valid_until: int = 0
    tested: Roster = UNTESTED

    def state_at(self, time: int) -> QualificationState:
        """The state at a time: what was qualified or suspended expires by itself (PRQ-2)."""
        lapses = self.state in (QualificationState.QUALIFIED, QualificationState.SUSPENDED)
        return QualificationState.EXPIRED if lapses and time >= self.valid_until else self.state


def may_apply(state: QualificationState) -> bool:
    """Whether a BSP may apply: for the first time, or again after a rejection or expiry (PRQ-1)."""
    return state in _APPLICABLE


def may_move(state: QualificationState, wanted: QualificationState) -> bool:
    """Whether the product's operator may take this step (PRQ-1)."""
    return wanted in _OPERATOR_STEPS.get(state, ())


def passes(performance_permille: int, tolerance_ppm: int) -> bool:
    """Whether a test is passed: from the product's tolerance below full performance on (PRQ-1)."""
    return performance_permille * PPM_PER_PERMILLE + tolerance_ppm >= PPM


def relevant_change(
    aggregate: int, product: int, tested: Roster, found: Roster, tolerance_ppm: int
) -> Refusal | None:
    """What has changed about an aggregate since it was tested for a product, so that its qualification does
    not count; None if nothing relevant has (PRQ-2).

    Relevant are any change of its members, and in either direction a total power that differs from the
    tested one by more than the product's tolerance (parts per million of the tested power).
    """
    rows = (
        ("members", tested.changes, found.changes, 0),
        ("upKw", tested.up_kw, found.up_kw, tolerance_ppm),
        ("downKw", tested.down_kw, found.down_kw, tolerance_ppm),
    )
    for what, before, now, ppm in rows:
        if abs(now - before) * PPM > before * ppm:
            return Refusal(
                "AggregateChanged",
                aggregate=aggregate,
                product=product,
                what=bytes32_text(what),
                tested=before,
                found=now,
            )
    return None
