"""Cosignatures and requests for them, against their vectors (LOG-2)."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.errors import InputInvalid, RuleViolation
from registry.evidence.checkpoints import (
    Checkpoint,
    NoteKey,
    open_checkpoint,
    read_checkpoint,
    sign_checkpoint,
)
from registry.evidence.cosignatures import (
    WitnessKey,
    cosign,
    read_cosignatures,
    signed_message,
    with_cosignatures,
)
from registry.evidence.witnessing import PROOF_LINES_MAX, REQUEST_BYTES_MAX, AddCheckpoint

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "cosignatures.json").read_text(encoding="utf-8")
)
KEY = WitnessKey.parse(VECTORS["witness_key"])
LOG_KEY = NoteKey.parse(VECTORS["log_key"])

pytestmark = pytest.mark.rule("LOG-2")


def named(kind: str) -> Any:
    return pytest.mark.parametrize("vector", VECTORS[kind], ids=[each["name"] for each in VECTORS[kind]])


@named("good")
def test_good_cosignature(vector: dict[str, Any]) -> None:
    note = vector["note"].encode()
    (cosignature,) = read_cosignatures(note, [KEY])
    assert (cosignature.key, cosignature.at) == (KEY, vector["at"])
    assert cosignature.line() in vector["note"]
    open_checkpoint(note, LOG_KEY)


@named("ignored")
def test_cosignatures_of_others_do_not_count(vector: dict[str, Any]) -> None:
    assert read_cosignatures(vector["note"].encode(), [KEY]) == []


@named("bad")
def test_bad_cosignature_spoils_the_note(vector: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation) as refused:
        read_cosignatures(vector["note"].encode(), [KEY])
    assert (refused.value.rule, refused.value.field) == ("LOG-2", "cosignature")


def test_good_request() -> None:
    vector = VECTORS["request"]
    request = AddCheckpoint.parse(vector["body"].encode())
    assert request.old_size == vector["old"]["size"]
    assert [node.hex() for node in request.proof] == vector["proof"]
    assert request.note == vector["note"].encode()
    assert request.encode() == vector["body"].encode()


@named("bad_requests")
def test_bad_request_is_refused_for_its_own_reason(vector: dict[str, Any]) -> None:
    with pytest.raises(InputInvalid) as refused:
        AddCheckpoint.parse(vector["body"].encode())
    assert (refused.value.rule, refused.value.field) == ("LOG-2", vector["field"])


def test_a_request_without_end_is_not_read() -> None:
    with pytest.raises(InputInvalid, match="bytes"):
        AddCheckpoint.parse(b"old 0\n\n" + bytes(REQUEST_BYTES_MAX))


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=PROOF_LINES_MAX),
    st.binary(max_size=300),
)
def test_requests_are_read_as_they_were_written(old_size: int, proof: list[bytes], note: bytes) -> None:
    request = AddCheckpoint(old_size, tuple(proof), note)
    assert AddCheckpoint.parse(request.encode()) == request


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        request = AddCheckpoint.parse(body)
    except InputInvalid:
        return
    assert request.encode() == body


@given(
    size=st.integers(0, 2**63 - 1),
    root=st.binary(min_size=32, max_size=32),
    times=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2**63 - 1)), max_size=8),
)
def test_a_note_keeps_the_last_cosignature_put_under_it(
    size: int, root: bytes, times: list[tuple[int, int]]
) -> None:
    """Whatever is put under the note in whatever order: its own signature stays, and one line per witness."""
    checkpoint = Checkpoint(LOG_KEY.name, size, root)
    log = Ed25519PrivateKey.generate()
    note = sign_checkpoint(checkpoint, log)
    witnesses = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(5)]
    expected = {}
    for which, at in times:
        cosignature = cosign(checkpoint, f"witness.example/{which}", witnesses[which], at)
        note = with_cosignatures(note, [cosignature])
        expected[cosignature.key] = cosignature
    assert {each.key: each for each in read_cosignatures(note, expected)} == expected
    assert note.count("—".encode()) == 1 + len(expected)
    assert open_checkpoint(note, NoteKey(LOG_KEY.name, log.public_key().public_bytes_raw())) == checkpoint


def test_keys_of_logs_and_witnesses_are_not_taken_for_each_other() -> None:
    with pytest.raises(RuleViolation, match="type 04"):
        WitnessKey.parse(VECTORS["log_key"])
    with pytest.raises(RuleViolation, match="type 01"):
        NoteKey.parse(VECTORS["witness_key"])


@pytest.mark.parametrize("at", [-1, 2**63])
def test_a_time_that_cannot_be_written(at: int) -> None:
    with pytest.raises(RuleViolation, match="time"):
        cosign(Checkpoint(LOG_KEY.name, 0, bytes(32)), KEY.name, Ed25519PrivateKey.generate(), at)


def test_the_literal_examples_of_the_page_are_the_vectors() -> None:
    page = (Path(__file__).parents[3] / "docs" / "formats" / "witness.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\n(.*?)```", page, re.DOTALL)
    note = VECTORS["good"][0]["note"].encode()
    (cosignature,) = read_cosignatures(note, [KEY])
    message = signed_message(read_checkpoint(note), cosignature.at)
    assert [block.encode() for block in blocks] == [
        note,
        f"{KEY}\n".encode(),
        message,
        VECTORS["request"]["body"].encode(),
    ]
    for part in (KEY.key_id, cosignature.at.to_bytes(8)):
        assert f"| `{base64.b64encode(part).decode()}` |" in page
