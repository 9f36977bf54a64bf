"""The code reads the vectors as the format pages say; the vectors are what their generator writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from registry.domain.devices import is_p256_point
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import canonical_json, commitment, pod_id
from registry.evidence import merkle
from registry.evidence.bundle import read_canonical_json
from registry.evidence.checkpoints import Checkpoint, NoteKey, open_checkpoint
from registry.evidence.es256 import load_public_key
from registry.evidence.receipts import parse_receipt, verify_receipt
from registry.evidence.statements import parse, verify
from tests.vectors import make_vectors

FOLDER = Path(__file__).parents[2] / "vectors"


def load(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return data


def names(vectors: list[dict[str, Any]]) -> list[str]:
    return [vector["name"] for vector in vectors]


SETPOINTS, KEYS = load("setpoints"), load("keys")
STATEMENTS, RECEIPTS, CHECKPOINTS = load("statements"), load("receipts"), load("checkpoints")
COMMITMENTS, MERKLE = load("commitments"), load("merkle")


def test_generator_reproduces_every_file_byte_for_byte() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == set(make_vectors.FILES)
    for name in make_vectors.FILES:
        assert make_vectors.render(name) == (FOLDER / name).read_bytes(), name


@pytest.mark.rule("MEA-1", "MEA-2", "SET-1")
@pytest.mark.parametrize("vector", STATEMENTS["good"], ids=names(STATEMENTS["good"]))
def test_good_statement(vector: dict[str, Any]) -> None:
    statement = parse(bytes.fromhex(vector["statement"]))
    verify(statement, load_public_key(bytes.fromhex(vector["public_key"])))
    assert type(statement.payload).__name__.lower() == vector["type"]
    assert statement.kid.hex() == vector["kid"]
    assert statement.tbs.hex() == vector["tbs"]
    assert statement.id.hex() == vector["statement_id"]
    for name, value in vector["fields"].items():
        found = getattr(statement.payload, name)
        assert (found.hex() if isinstance(found, bytes) else found) == value, name


@pytest.mark.rule("MEA-1", "MEA-2", "SET-1")
@pytest.mark.parametrize(
    "vector",
    [*STATEMENTS["bad"], *SETPOINTS["bad"]],
    ids=[*names(STATEMENTS["bad"]), *(f"setpoint: {name}" for name in names(SETPOINTS["bad"]))],
)
def test_bad_statement_is_refused_for_its_own_reason(vector: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation) as refused:
        verify(
            parse(bytes.fromhex(vector["statement"])), load_public_key(bytes.fromhex(vector["public_key"]))
        )
    assert (refused.value.rule, refused.value.field) == (vector["rule"], vector["field"]), str(refused.value)


@pytest.mark.rule("MEA-1", "DEV-1")
@pytest.mark.parametrize("vector", KEYS["bad"], ids=names(KEYS["bad"]))
def test_bad_key_is_refused(vector: dict[str, Any]) -> None:
    point = bytes.fromhex(vector["public_key"])
    with pytest.raises(RuleViolation) as refused:
        load_public_key(point)
    assert (refused.value.rule, refused.value.field) == (vector["rule"], vector["field"])
    if len(point) == 65 and point[0] == 4:
        assert not is_p256_point(point[1:33], point[33:])


@pytest.mark.rule("PRIV-3")
@pytest.mark.parametrize("vector", COMMITMENTS["commitments"])
def test_commitment(vector: dict[str, Any]) -> None:
    canonical = bytes.fromhex(vector["canonical"])
    assert canonical_json(vector["payload"]) == canonical
    assert read_canonical_json(canonical, "vector") == vector["payload"]
    assert commitment(bytes.fromhex(vector["salt"]), canonical).hex() == vector["commitment"]


@pytest.mark.rule("PRIV-1")
@pytest.mark.parametrize("vector", COMMITMENTS["pod_ids"])
def test_pod_id(vector: dict[str, Any]) -> None:
    assert pod_id(bytes.fromhex(vector["salt"]), vector["pod_code"]).hex() == vector["pod_id"]


@pytest.mark.rule("PRIV-3")
@pytest.mark.parametrize("vector", COMMITMENTS["not_canonical"], ids=names(COMMITMENTS["not_canonical"]))
def test_other_spelling_of_json_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation):
        read_canonical_json(bytes.fromhex(vector["json"]), "vector")


@pytest.mark.rule("LOG-1")
def test_roots_and_proofs_of_the_log() -> None:
    leaves = [merkle.leaf_hash(bytes.fromhex(entry)) for entry in MERKLE["entries"]]
    roots = [bytes.fromhex(root) for root in MERKLE["roots"]]
    assert [leaf.hex() for leaf in leaves] == MERKLE["leaf_hashes"]
    frontier = merkle.Frontier()
    assert frontier.root() == roots[0]
    for size, leaf in enumerate(leaves, start=1):
        frontier.append(leaf)
        assert frontier.root() == roots[size]
    for proof in MERKLE["inclusion"]:
        path = [bytes.fromhex(node) for node in proof["path"]]
        merkle.verify_inclusion(
            leaves[proof["index"]], proof["index"], proof["size"], path, roots[proof["size"]]
        )
    for proof in MERKLE["consistency"]:
        path = [bytes.fromhex(node) for node in proof["path"]]
        merkle.verify_consistency(proof["old"], proof["new"], roots[proof["old"]], roots[proof["new"]], path)


@pytest.mark.rule("LOG-1")
@pytest.mark.parametrize("vector", CHECKPOINTS["good"])
def test_good_checkpoint(vector: dict[str, Any]) -> None:
    key = NoteKey.parse(CHECKPOINTS["note_key"])
    opened = open_checkpoint(vector["note"].encode(), key)
    assert opened == Checkpoint(CHECKPOINTS["origin"], vector["size"], bytes.fromhex(vector["root"]))


@pytest.mark.rule("LOG-1")
@pytest.mark.parametrize("vector", CHECKPOINTS["bad"], ids=names(CHECKPOINTS["bad"]))
def test_bad_checkpoint_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation):
        open_checkpoint(vector["note"].encode(), NoteKey.parse(CHECKPOINTS["note_key"]))


@pytest.mark.rule("LOG-1")
@pytest.mark.parametrize("vector", RECEIPTS["good"])
def test_good_receipt(vector: dict[str, Any]) -> None:
    receipt = parse_receipt(bytes.fromhex(vector["receipt"]))
    key = load_public_key(bytes.fromhex(RECEIPTS["public_key"]))
    assert (receipt.index, receipt.size, receipt.kid.hex()) == (
        vector["index"],
        vector["size"],
        RECEIPTS["kid"],
    )
    assert verify_receipt(receipt, bytes.fromhex(vector["entry"]), key).hex() == vector["root"]


@pytest.mark.rule("LOG-1")
@pytest.mark.parametrize("vector", RECEIPTS["bad"], ids=names(RECEIPTS["bad"]))
def test_bad_receipt_is_refused_for_its_own_reason(vector: dict[str, Any]) -> None:
    key = load_public_key(bytes.fromhex(RECEIPTS["public_key"]))
    with pytest.raises(RuleViolation) as refused:
        verify_receipt(parse_receipt(bytes.fromhex(vector["receipt"])), bytes.fromhex(vector["entry"]), key)
    assert (refused.value.rule, refused.value.field) == ("LOG-1", vector["field"]), str(refused.value)
