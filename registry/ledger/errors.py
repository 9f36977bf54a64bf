"""Reverts of the contracts as violations of rules: the one place that reads revert data."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from registry.domain.errors import RuleViolation
from registry.domain.refusals import REFUSALS, Refusal
from registry.ledger.artifacts import Artifacts, ErrorEntry
from registry.ports import ContractFault

_REASON = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_PANICS = {
    0x01: "an assertion failed",
    0x11: "a number left its range",
    0x12: "a division by zero",
    0x21: "a number that names no value of an enumeration",
    0x32: "an index beyond the end of an array",
    0x41: "more memory than there is",
}


def violation_of(data: bytes, artifacts: Artifacts) -> RuleViolation | ContractFault:
    """What to raise for a revert.

    A typed error becomes the :class:`Refusal` of the same name and values; one that the domain does not know,
    a :class:`RuleViolation` with the rule and text of its source; anything else is a :class:`ContractFault`.
    """
    entry = artifacts.errors.get(data[:4])
    if entry is None:
        return _fault(data)
    try:
        decoded = decode(entry.types, data[4:])
    except DecodingError:
        return _fault(data)
    values = tuple(
        to_checksum_address(value) if kind == "address" else value
        for kind, value in zip(entry.types, decoded, strict=True)
    )
    if entry.name in REFUSALS:
        return Refusal.decoded(entry.name, values)
    return _from_source(entry, values)


def _from_source(entry: ErrorEntry, values: tuple[Any, ...]) -> RuleViolation:
    pairs = zip(entry.names, values, strict=True)
    found = ", ".join(f"{name} {_show(value)}" for name, value in pairs)
    return RuleViolation(
        rule=entry.rule,
        field=entry.name,
        found=found or "this call",
        allowed=entry.text or "see the contract",
    )


def _fault(data: bytes) -> ContractFault:
    return ContractFault(
        found=_reason(data),
        expected="success, or an error that names its rule",
        remedy="nothing was written; report this with the command that led here",
    )


def _reason(data: bytes) -> str:
    try:
        if data[:4] == _REASON:
            return f"the reason {decode(['string'], data[4:])[0]!r}"
        if data[:4] == _PANIC:
            code = decode(["uint256"], data[4:])[0]
            return _PANICS.get(code, f"panic {code:#x}")
    except DecodingError:
        pass
    return (
        f"revert data 0x{data.hex()}" if data else "a revert without data (out of gas, or no contract there)"
    )


def _show(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
