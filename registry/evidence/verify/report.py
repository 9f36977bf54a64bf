"""What a verification says: named checks, each with its rule, in the order they were made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from registry.domain.errors import RuleViolation
from registry.evidence.bundle import OpenedCommitment
from registry.evidence.cosignatures import WitnessKey

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Trust:
    """What the verifier knows from elsewhere; whatever is ``None`` or empty is taken from the bundle, and the
    report says so.

    ``contracts`` maps contract names to 20-byte addresses, ``block_hashes`` block numbers to hashes that a
    node of one's own gave. ``witnesses`` are the keys of all witnesses of the log; without them nobody counts
    again what the anchor claims. ``openings`` are bids and deals of other parties, which an auditor may open;
    without them nobody asks whether a cheaper bid was passed over.
    """

    chain_id: int | None = None
    contracts: Mapping[str, bytes] | None = None
    block_hashes: Mapping[int, bytes] = field(default_factory=dict)
    witnesses: tuple[WitnessKey, ...] = ()
    openings: tuple[OpenedCommitment, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One check: ``name`` says what was looked at, ``rule`` is the key of the specification, ``detail`` what
    was found.
    """

    name: str
    rule: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome. ``figures`` is the settlement document as derived, ``None`` if the procedure did not get
    that far.
    """

    ok: bool
    checks: tuple[Check, ...]
    figures: Mapping[str, Any] | None

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.ok)


class CheckFailed(Exception):
    """Ends the procedure after a check that the ones behind it rest on."""


class Checklist:
    """Collects checks while the procedure runs."""

    def __init__(self) -> None:
        self.checks: list[Check] = []

    def require(self, name: str, rule: str, step: Callable[[], tuple[T, str]]) -> T:
        """Make a check that gives a value and a detail. Raises :class:`CheckFailed` if it breaks a rule:
        nothing can follow.
        """
        try:
            value, detail = step()
        except RuleViolation as violation:
            self.checks.append(Check(name, violation.rule, False, str(violation)))
            raise CheckFailed from None
        self.checks.append(Check(name, rule, True, detail))
        return value

    def note(self, name: str, rule: str, step: Callable[[], str]) -> None:
        """Make a check that others do not rest on: a failure is recorded and the procedure goes on."""
        try:
            self.checks.append(Check(name, rule, True, step()))
        except RuleViolation as violation:
            self.checks.append(Check(name, violation.rule, False, str(violation)))

    def report(self, figures: Mapping[str, Any] | None) -> Report:
        """The report of all checks so far."""
        return Report(all(check.ok for check in self.checks), tuple(self.checks), figures)
