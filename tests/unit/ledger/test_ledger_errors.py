"""Reverts become violations of rules: every typed error of the contracts, and what is no typed error."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.errors import RuleViolation
from registry.domain.refusals import REFUSALS, Refusal
from registry.ledger.artifacts import Artifacts, ErrorEntry, load_artifacts
from registry.ledger.errors import violation_of
from registry.ports import ContractFault

ARTIFACTS = load_artifacts()
NEVER_SEEN = {"AccessControlBadConfirmation", "InvalidInitialization", "NotInitializing"}
"""Errors of inherited functions: FlexLedger's own rules, or the founding of the contracts, come before."""


def some_value(kind: str) -> object:
    if kind == "address":
        return "0x" + "11" * 20
    if kind == "bool":
        return True
    return bytes([65]) * int(kind[5:]) if kind.startswith("bytes") else 1


def revert(selector: bytes, entry: ErrorEntry) -> bytes:
    return selector + encode(entry.types, [some_value(kind) for kind in entry.types])


@pytest.mark.parametrize(
    "selector", ARTIFACTS.errors, ids=[entry.name for entry in ARTIFACTS.errors.values()]
)
def test_a_typed_error_names_the_rule_of_its_source(selector: bytes) -> None:
    entry = ARTIFACTS.errors[selector]
    violation = violation_of(revert(selector, entry), ARTIFACTS)
    assert isinstance(violation, RuleViolation)
    assert violation.rule == entry.rule
    assert str(violation).startswith(f"{entry.rule}: ")
    assert isinstance(violation, Refusal) or entry.name in NEVER_SEEN


def test_every_refusal_of_the_domain_is_an_error_of_the_contracts_with_the_same_parameters() -> None:
    found = {entry.name: entry for entry in ARTIFACTS.errors.values()}
    for kind in REFUSALS.values():
        assert len(found[kind.name].types) == len(kind.parameters), kind.name


@pytest.mark.rule("DTL-4")
def test_the_values_stand_in_the_sentence() -> None:
    (selector,) = (key for key, entry in ARTIFACTS.errors.items() if entry.name == "CapabilityExceeded")
    data = selector + encode(ARTIFACTS.errors[selector].types, [33554433, 20777, 17, True, 120, 100])
    violation = violation_of(data, ARTIFACTS)
    assert isinstance(violation, RuleViolation)
    assert violation.found == 120
    assert "at most 100 kW" in str(violation.allowed) and "down" in violation.field


def test_an_error_the_domain_does_not_know_keeps_the_words_of_its_source() -> None:
    entry = ErrorEntry("SomethingNew", "SES-9", "what is new.", ("hour", "by"), ("uint8", "address"))
    artifacts = Artifacts({}, "")
    artifacts.__dict__["errors"] = {b"new!": entry}
    violation = violation_of(b"new!" + encode(entry.types, [5, "0x" + "ab" * 20]), artifacts)
    assert isinstance(violation, RuleViolation)
    assert str(violation).startswith("SES-9: SomethingNew: found hour 5, by 0x")
    assert "what is new." in str(violation)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (bytes.fromhex("4e487b71") + encode(["uint256"], [0x11]), "a number left its range"),
        (bytes.fromhex("4e487b71") + encode(["uint256"], [0x77]), "panic 0x77"),
        (bytes.fromhex("08c379a0") + encode(["string"], ["too bad"]), "the reason 'too bad'"),
        (b"", "a revert without data"),
        (bytes.fromhex("08c379a0"), "revert data 0x08c379a0"),
        (next(key for key, entry in ARTIFACTS.errors.items() if entry.types), "revert data 0x"),
    ],
)
def test_what_is_no_typed_error_is_a_fault(data: bytes, message: str) -> None:
    fault = violation_of(data, ARTIFACTS)
    assert isinstance(fault, ContractFault)
    assert message in str(fault)


@given(st.binary(max_size=100))
def test_any_revert_data_is_read(data: bytes) -> None:
    assert isinstance(violation_of(data, ARTIFACTS), RuleViolation | ContractFault)
