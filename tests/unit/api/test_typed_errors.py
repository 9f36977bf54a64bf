"""Every typed error of the contracts reaches the API's caller as its rule and its values, in a problem of its
rule's own type; never as "execution reverted".
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_abi.abi import encode
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.problems import TYPE_BASE, install
from registry.domain.commands import Pause
from registry.domain.contract_changes import CONTRACTS_VERSION
from registry.domain.errors import RuleViolation
from registry.domain.refusals import Refusal
from registry.ledger.artifacts import ErrorEntry, load_artifacts
from registry.ledger.deployment import Deployment
from registry.ledger.ledger import ChainLedger
from registry.ledger.rpc import Connection
from registry.ledger.signers import LocalSigner
from registry.ports import ContractFault
from tests.unit.ledger.scripted import Error, Scripted

ARTIFACTS = load_artifacts()
_PAGE = Path(__file__).resolve().parents[3] / "docs" / "rules.toml"
RULES = tomllib.loads(_PAGE.read_text(encoding="utf-8"))["rule"]
NOBODY = "0x" + "11" * 20
NEVER_SEEN = {"AccessControlBadConfirmation", "InvalidInitialization", "NotInitializing"}
"""Errors of inherited functions: FlexLedger's own rules, or the founding of the contracts, come before."""


def some_value(kind: str, place: int) -> object:
    """A value that no other parameter has, where the type has room for it."""
    if kind == "address":
        return "0x" + f"{place + 1:02x}" * 20
    if kind == "bool":
        return True
    if kind.startswith("bytes"):
        return bytes([65 + place]) * int(kind[5:])
    return 1 if kind == "uint8" else 100 + place


def refused_by_chain(selector: bytes, entry: ErrorEntry) -> tuple[Exception, list[object]]:
    """What the ledger raises when a node answers a transaction with this error."""
    values = [some_value(kind, place) for place, kind in enumerate(entry.types)]
    data = "0x" + (selector + encode(entry.types, values)).hex()
    version = "0x" + f"{CONTRACTS_VERSION:064x}"
    node = Scripted(
        eth_chainId=["0x5"],
        eth_getCode=["0x00"],
        eth_call=[version],
        eth_estimateGas=[Error(code=3, message="execution reverted", data=data)],
    )
    addresses = dict.fromkeys(ARTIFACTS.by_name, NOBODY)
    ledger = ChainLedger(
        Connection(node, "script"), Deployment(5, CONTRACTS_VERSION, 1, addresses, ""), ARTIFACTS
    )
    with pytest.raises((RuleViolation, ContractFault)) as raised:
        ledger.send(Pause(), LocalSigner(bytes([9]) * 32))
    return raised.value, values


@pytest.fixture(scope="module")
def client() -> Iterator[tuple[TestClient, list[Exception]]]:
    """An application whose one route raises what is put into the list."""
    app, pending = FastAPI(), list[Exception]()
    install(app)

    @app.get("/")
    def route() -> None:
        raise pending.pop()

    with TestClient(app, raise_server_exceptions=False) as client:
        yield client, pending


@pytest.mark.rule("ACT-1", "POD-1", "SES-2", "SES-4", "DTL-4")
@pytest.mark.parametrize(
    "selector", ARTIFACTS.errors, ids=[entry.name for entry in ARTIFACTS.errors.values()]
)
def test_the_caller_learns_rule_and_values(
    client: tuple[TestClient, list[Exception]], selector: bytes
) -> None:
    entry = ARTIFACTS.errors[selector]
    violation, values = refused_by_chain(selector, entry)
    assert isinstance(violation, RuleViolation)
    assert entry.rule in RULES
    caller, pending = client
    pending.append(violation)
    answer = caller.get("/")
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code in {403, 409, 422} and problem["status"] == answer.status_code
    assert problem["type"] == TYPE_BASE + entry.rule.lower()
    assert problem["rule"] == entry.rule
    assert problem["field"] and problem["found"] and problem["allowed"]
    assert "revert" not in answer.text.lower()
    if entry.name in NEVER_SEEN:
        return
    assert isinstance(violation, Refusal)
    assert problem["error"] == entry.name
    assert list(problem["values"]) == list(violation.values)
    for told, value, kind in zip(problem["values"].values(), values, entry.types, strict=True):
        if kind.startswith("bytes"):
            assert told == "0x" + bytes(value).hex()  # type: ignore[arg-type]
        elif kind == "address":
            assert str(told).lower() == value
        else:
            assert told == value


def test_each_rule_of_the_contracts_has_a_problem_of_its_own() -> None:
    rules = {entry.rule for entry in ARTIFACTS.errors.values()}
    assert len({TYPE_BASE + rule.lower() for rule in rules}) == len(rules) > 10
