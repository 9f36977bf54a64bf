"""Statements, their acceptance and their receipts, over all values and against a foreign implementation of
COSE.
"""

from __future__ import annotations

from dataclasses import replace

import cwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.errors import RuleViolation
from registry.evidence import merkle
from registry.evidence.acceptance import AcceptanceRules, check_binding, check_period
from registry.evidence.checkpoints import (
    Checkpoint,
    NoteKey,
    open_checkpoint,
    read_checkpoint,
    sign_checkpoint,
)
from registry.evidence.es256 import (
    claim_of,
    false_claims,
    is_signed_by,
    kid_of,
    load_public_key,
    public_key_bytes,
    sign_es256,
)
from registry.evidence.payloads import (
    Clock,
    Execution,
    Outcome,
    Payload,
    Quality,
    Reading,
    Setpoint,
    encode_payload,
)
from registry.evidence.receipts import make_receipt, parse_receipt, verify_receipt
from registry.evidence.statements import parse, sign, verify

KEY = ec.derive_private_key(2026, ec.SECP256R1())
PUBLIC = KEY.public_key()
UINT, IDS, POWERS = (
    st.integers(0, 2**32 - 1),
    st.binary(min_size=32, max_size=32),
    st.integers(-(2**31), 2**31 - 1),
)
SERIAL, LENGTHS = st.integers(1, 2**32 - 1), st.integers(1, 86_400)
READINGS = st.builds(
    Reading, IDS, UINT, LENGTHS, SERIAL, UINT, UINT, UINT, UINT, st.integers(0, 63), st.integers(0, 7)
)
EXECUTIONS = st.builds(Execution, IDS, UINT, LENGTHS, SERIAL, IDS, st.integers(0, 3), POWERS)
SETPOINTS = st.builds(Setpoint, IDS, UINT, LENGTHS, SERIAL, POWERS, st.just(0))
PAYLOADS: st.SearchStrategy[Payload] = st.one_of(READINGS, EXECUTIONS, SETPOINTS)
A_READING = Reading(bytes(32), 1_793_181_600, 900, 1, 412, 0, 37, 0, 0, 1)


@pytest.mark.rule("MEA-2")
@given(st.lists(st.tuples(st.binary(max_size=40), st.sampled_from([0, 1]), st.integers(0, 2)), max_size=8))
def test_the_false_among_many_claims_are_those_that_are_false_alone(
    signed: list[tuple[bytes, int, int]],
) -> None:
    keys = [KEY, ec.derive_private_key(2027, ec.SECP256R1())]
    # Another key, or other bytes than were signed, makes a claim false.
    said = [
        (keys[who ^ (flaw == 1)].public_key(), sign_es256(keys[who], tbs), tbs + b"x" * (flaw == 2))
        for tbs, who, flaw in signed
    ]
    alone = {position for position, claim in enumerate(said) if not is_signed_by(*claim)}
    assert alone == {position for position, (_, _, flaw) in enumerate(signed) if flaw}
    assert false_claims(claim_of(*claim) for claim in said) == alone


@pytest.mark.rule("MEA-1", "SET-1")
@given(PAYLOADS)
def test_what_is_signed_is_what_is_parsed(payload: Payload) -> None:
    data = sign(payload, KEY)
    statement = parse(data)
    verify(statement, PUBLIC)
    assert (statement.payload, statement.kid, statement.raw) == (payload, kid_of(PUBLIC), data)
    assert sign(payload, KEY) == data, "the nonce is deterministic"
    assert (
        int.from_bytes(statement.signature[32:], "big")
        <= 0x7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8
    )


@pytest.mark.rule("MEA-1", "MEA-2")
@settings(max_examples=400)
@given(PAYLOADS, st.data())
def test_a_statement_with_changed_bytes_is_refused(payload: Payload, data: st.DataObject) -> None:
    good = sign(payload, KEY)
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    other = bytes(changed)[: data.draw(st.integers(len(good) - 2, len(good)))]
    if other == good:
        return
    with pytest.raises(RuleViolation) as refused:
        verify(parse(other), PUBLIC)
    assert refused.value.rule in ("MEA-1", "MEA-2", "SET-1")


@pytest.mark.rule("MEA-1")
@settings(max_examples=400)
@given(st.binary(max_size=600))
def test_any_bytes_are_parsed_or_refused_by_rule(data: bytes) -> None:
    with pytest.raises(RuleViolation, match="MEA-1"):
        parse(data)


@pytest.mark.rule("MEA-1")
@given(PAYLOADS)
def test_a_foreign_cose_implementation_verifies_statements(payload: Payload) -> None:
    data = sign(payload, KEY)
    point = public_key_bytes(PUBLIC)
    key = cwt.COSEKey.new({1: 2, 2: kid_of(PUBLIC), 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
    assert cwt.COSE.new().decode(data, key) == encode_payload(payload)


@pytest.mark.rule("MEA-1")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pod_id", b"short"),
        ("counter", 0),
        ("import_wh", -1),
        ("export_wh", 2**32),
        ("quality", 64),
        ("clock", True),
    ],
)
def test_nothing_out_of_range_is_signed(field: str, value: object) -> None:
    with pytest.raises(RuleViolation) as refused:
        sign(replace(A_READING, **{field: value}), KEY)  # type: ignore[arg-type]
    assert (refused.value.rule, refused.value.field) == ("MEA-1", field)


@pytest.mark.rule("SET-1")
def test_a_setpoint_does_not_outlive_its_period() -> None:
    setpoint = Setpoint(bytes(32), 900, 900, 1, -5000, 1800)
    parse(sign(setpoint, KEY))
    with pytest.raises(RuleViolation, match="SET-1: expires_at"):
        sign(replace(setpoint, expires_at=1801), KEY)


@pytest.mark.rule("STT-3")
@pytest.mark.parametrize(
    ("quality", "clock", "reason"),
    [
        (0, Clock.SYNCHRONISED, None),
        (Quality.OUTAGE | Quality.RECONFIGURED, Clock.SYNCHRONISED | Clock.ADJUSTED | Clock.RESTARTED, None),
        (Quality.ESTIMATED, Clock.SYNCHRONISED, "estimated"),
        (Quality.TAMPER | Quality.OVERFLOW, Clock.SYNCHRONISED, "overflow, tamper"),
        (Quality.INCOMPLETE, 0, "incomplete, clock not synchronised"),
        (0, Clock.RESTARTED, "clock not synchronised"),
    ],
)
def test_flags_that_leave_a_period_unsettled(quality: int, clock: int, reason: str | None) -> None:
    assert replace(A_READING, quality=int(quality), clock=int(clock)).unsettled_reason == reason


@pytest.mark.rule("MEA-1")
@pytest.mark.parametrize(
    "point",
    [
        b"",
        bytes(65),
        b"\x02" + bytes(32),
        b"\x04" + bytes(63) + b"\x01",
        public_key_bytes(PUBLIC)[:-1],
        public_key_bytes(PUBLIC) + b"\0",
    ],
)
def test_what_is_no_public_key(point: bytes) -> None:
    with pytest.raises(RuleViolation, match="public_key"):
        load_public_key(point)


# ------------------------------------------------------------------------------------------------ acceptance

NOW = A_READING.period_start + 900
RULES = AcceptanceRules()


@pytest.mark.rule("MEA-2")
@pytest.mark.parametrize(
    ("payload", "now", "field"),
    [
        (A_READING, NOW, None),
        (A_READING, NOW - 60, None),
        (A_READING, NOW - 61, "period_start"),
        (A_READING, NOW + 35 * 86_400, None),
        (A_READING, NOW + 35 * 86_400 + 1, "period_start"),
        (replace(A_READING, period_start=A_READING.period_start + 1), NOW + 900, "period_start"),
        (replace(A_READING, period_length=3600), NOW + 3600, "period_length"),
        (Execution(bytes(32), NOW, 900, 1, bytes(32), Outcome.EXECUTED, 0), NOW, "period_start"),
        (Execution(bytes(32), NOW, 900, 1, bytes(32), Outcome.PARTLY, 0), NOW, "period_start"),
        (Execution(bytes(32), NOW, 900, 1, bytes(32), Outcome.REFUSED, 0), NOW, None),
        (Execution(bytes(32), NOW, 900, 1, bytes(32), Outcome.EXPIRED, 0), NOW, None),
        (Setpoint(bytes(32), NOW + 9000, 900, 1, 0, 0), NOW, None),
    ],
)
def test_the_period_of_a_statement(payload: Payload, now: int, field: str | None) -> None:
    if field is None:
        check_period(payload, now, RULES)
        return
    with pytest.raises(RuleViolation) as refused:
        check_period(payload, now, RULES)
    assert (refused.value.rule, refused.value.field) == ("MEA-2", field)


@pytest.mark.rule("DEV-1", "MEA-2")
@pytest.mark.parametrize(
    ("pod", "valid_from", "valid_until", "field"),
    [
        (0, -900, 0, None), (0, -901, 1, None), (1, -900, 0, "pod_id"),
        (0, -899, 0, "period_start"), (0, -900, -1, "period_start"), (0, 0, 900, "period_start"),
    ],
)  # fmt: skip
def test_the_binding_covers_the_whole_period(
    pod: int, valid_from: int, valid_until: int, field: str | None
) -> None:
    arguments = bytes([pod]) + bytes(31), NOW + valid_from, NOW + valid_until
    if field is None:
        check_binding(A_READING, *arguments)
        return
    with pytest.raises(RuleViolation) as refused:
        check_binding(A_READING, *arguments)
    assert (refused.value.rule, refused.value.field) == ("DEV-1", field)


# ---------------------------------------------------------------------------------- receipts and checkpoints


@pytest.mark.rule("LOG-1")
@given(st.integers(1, 40), st.data())
def test_receipts_prove_their_entry_only(size: int, data: st.DataObject) -> None:
    entries = [bytes([n]) * 3 for n in range(size)]
    frontier = merkle.Frontier()
    frontier.extend(map(merkle.leaf_hash, entries))

    def node(level: int, index: int) -> bytes:
        part = merkle.Frontier()
        part.extend(map(merkle.leaf_hash, entries[index << level : (index + 1) << level]))
        return part.root()

    index = data.draw(st.integers(0, size - 1))
    made = make_receipt(KEY, size, index, merkle.inclusion_proof(index, size, node), frontier.root())
    receipt = parse_receipt(made)
    assert verify_receipt(receipt, entries[index], PUBLIC) == frontier.root()
    with pytest.raises(RuleViolation, match="signature"):
        verify_receipt(receipt, b"another entry", PUBLIC)
    with pytest.raises(RuleViolation, match="kid"):
        verify_receipt(receipt, entries[index], ec.derive_private_key(7, ec.SECP256R1()).public_key())
    changed = bytearray(made)
    changed[data.draw(st.integers(0, len(made) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(RuleViolation):
        verify_receipt(parse_receipt(bytes(changed)), entries[index], PUBLIC)


NOTE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
NOTE_PUBLIC = NoteKey("example.org/log", NOTE_KEY.public_key().public_bytes_raw())


@pytest.mark.rule("LOG-1")
@given(st.integers(0, 2**63 - 1), IDS, st.data())
def test_checkpoints(size: int, root: bytes, data: st.DataObject) -> None:
    note = sign_checkpoint(Checkpoint("example.org/log", size, root), NOTE_KEY)
    assert (
        open_checkpoint(note, NOTE_PUBLIC)
        == read_checkpoint(note)
        == Checkpoint("example.org/log", size, root)
    )
    changed = bytearray(note)
    changed[data.draw(st.integers(0, len(note) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(RuleViolation, match="LOG-1"):
        open_checkpoint(bytes(changed), NOTE_PUBLIC)


@pytest.mark.rule("LOG-1")
def test_a_witness_may_sign_too_but_not_alone() -> None:
    note = sign_checkpoint(Checkpoint("example.org/log", 1, bytes(32)), NOTE_KEY)
    text, _, own = note.partition(b"\n\n")
    witness = "— witness.example AAAAAAEC\n".encode()
    assert open_checkpoint(note + witness, NOTE_PUBLIC).size == 1
    with pytest.raises(RuleViolation, match="none by this key"):
        open_checkpoint(text + b"\n\n" + witness, NOTE_PUBLIC)
    assert own.endswith(b"\n")


@pytest.mark.rule("LOG-1")
@pytest.mark.parametrize("origin", ["", "with space", "with+plus", "line\nend", "città"])
def test_origins_that_no_note_can_carry(origin: str) -> None:
    with pytest.raises(RuleViolation, match="origin"):
        sign_checkpoint(Checkpoint(origin, 1, bytes(32)), NOTE_KEY)


@pytest.mark.rule("LOG-1")
def test_note_keys_as_note_tools_write_them() -> None:
    text = str(NOTE_PUBLIC)
    assert NoteKey.parse(text) == NOTE_PUBLIC
    for other in ("", "name", text + "x", text.replace("example", "exomple"), text[:-4]):
        with pytest.raises(RuleViolation, match="note key"):
            NoteKey.parse(other)
