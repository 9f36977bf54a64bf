"""A witness cosigns what continues the log it has seen, and nothing else (LOG-2)."""

from __future__ import annotations

import threading
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from registry.domain.errors import InputInvalid, RuleViolation
from registry.evidence.checkpoints import NoteKey, open_checkpoint, sign_checkpoint
from registry.evidence.cosignatures import read_cosignatures
from registry.evidence.witnessing import AddCheckpoint
from registry.log.witness import (
    LogForked,
    LogUnknown,
    NoteUntrusted,
    ProofInvalid,
    SizeDiffers,
    Witness,
)
from registry.ports import DatabaseCorrupted
from tests.unit.log.log_house import SetClock
from tests.unit.log.signed_logs import NOTE_KEY, ORIGIN, SignedLog, ed25519

pytestmark = pytest.mark.rule("LOG-2")
HONEST = SignedLog.of(f"entry {n}" for n in range(12))
FORKED = SignedLog.of([*HONEST.names[:4], *(f"other {n}" for n in range(4, 12))])


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return open_witness(tmp_path)


def open_witness(folder: Path, *keys: NoteKey) -> Witness:
    return Witness(folder / "witness", "tso.example/w", ed25519("witness"), keys or [NOTE_KEY], SetClock())


def cosigned(witness: Witness, request: AddCheckpoint) -> bytes:
    """Send a request; the note with the answer under it, checked as the log's clients do."""
    note = request.note + witness.add_checkpoint(request)
    (cosignature,) = read_cosignatures(note, [witness.key])
    assert cosignature.at == SetClock().seconds
    open_checkpoint(note, NOTE_KEY)
    return note


def test_it_follows_a_log_that_grows(witness: Witness) -> None:
    for old, size in [(0, 1), (1, 7), (7, 7), (7, 8), (8, 12)]:
        cosigned(witness, HONEST.request(old, size))
        assert witness.last(ORIGIN) == HONEST.checkpoint(size)


def test_an_empty_log_is_a_log(witness: Witness) -> None:
    cosigned(witness, HONEST.request(0, 0))
    cosigned(witness, HONEST.request(0, 3))


def test_it_remembers_over_a_restart(tmp_path: Path) -> None:
    cosigned(open_witness(tmp_path), HONEST.request(0, 7))
    again = open_witness(tmp_path)
    with pytest.raises(SizeDiffers) as refused:
        again.add_checkpoint(FORKED.request(0, 7))
    assert (refused.value.found, refused.value.allowed, refused.value.known_size) == (0, 7, 7)
    cosigned(again, HONEST.request(7, 9))


def test_two_roots_for_one_size_are_refused_and_kept(witness: Witness, tmp_path: Path) -> None:
    cosigned(witness, HONEST.request(0, 7))
    with pytest.raises(LogForked) as refused:
        witness.add_checkpoint(FORKED.request(7, 7))
    assert refused.value.found == FORKED.root(7).hex()
    assert refused.value.allowed == HONEST.root(7).hex()
    memory = tmp_path / "witness" / sha256(ORIGIN.encode()).hexdigest()
    assert memory.with_suffix(".forked").read_bytes() == FORKED.note(7)
    assert memory.with_suffix(".checkpoint").read_bytes() == HONEST.note(7)
    with pytest.raises(LogForked):
        witness.add_checkpoint(replace(FORKED.request(7, 7), note=SignedLog.of("abcdefg").note(7)))
    assert memory.with_suffix(".forked").read_bytes() == FORKED.note(7), "the first proof stays"
    cosigned(witness, HONEST.request(7, 8))


def test_a_fork_that_has_grown_has_no_proof(witness: Witness) -> None:
    cosigned(witness, HONEST.request(0, 7))
    with pytest.raises(ProofInvalid) as refused:
        witness.add_checkpoint(FORKED.request(7, 9))
    assert (refused.value.rule, refused.value.field) == ("LOG-2", "old_root")
    assert {refused.value.found, refused.value.allowed} == {HONEST.root(7).hex(), FORKED.root(7).hex()}


def test_a_fork_after_the_last_size_cannot_be_known_yet(witness: Witness) -> None:
    """What comes after the common part is the log's to choose, once."""
    cosigned(witness, HONEST.request(0, 4))
    cosigned(witness, FORKED.request(4, 7))
    with pytest.raises(ProofInvalid):
        witness.add_checkpoint(HONEST.request(7, 9))


def test_a_smaller_size_is_refused(witness: Witness) -> None:
    cosigned(witness, HONEST.request(0, 7))
    with pytest.raises(SizeDiffers):
        witness.add_checkpoint(HONEST.request(5, 5))
    with pytest.raises(InputInvalid) as refused:
        witness.add_checkpoint(AddCheckpoint(7, (), HONEST.note(5)))
    assert (refused.value.rule, refused.value.field, refused.value.found) == ("LOG-2", "size", 5)
    assert witness.last(ORIGIN).size == 7


@pytest.mark.parametrize("change", ["shorter", "longer", "other", "none"])
def test_a_wrong_proof_is_refused(witness: Witness, change: str) -> None:
    cosigned(witness, HONEST.request(0, 7))
    good = HONEST.request(7, 12)
    proofs = {
        "shorter": good.proof[:-1],
        "longer": (*good.proof, bytes(32)),
        "other": (*good.proof[:-1], bytes(32)),
        "none": (),
    }
    with pytest.raises(ProofInvalid) as refused:
        witness.add_checkpoint(replace(good, proof=proofs[change]))
    assert refused.value.rule == "LOG-2"
    assert witness.last(ORIGIN).size == 7


def test_a_first_checkpoint_needs_no_proof_and_takes_none(witness: Witness) -> None:
    with pytest.raises(ProofInvalid):
        witness.add_checkpoint(replace(HONEST.request(0, 7), proof=(bytes(32),)))
    with pytest.raises(ProofInvalid):
        witness.add_checkpoint(AddCheckpoint(0, (bytes(32),), HONEST.note(0)))


def test_only_logs_it_watches(tmp_path: Path) -> None:
    other = NoteKey("log.example/other", NOTE_KEY.public_key)
    with pytest.raises(LogUnknown) as refused:
        open_witness(tmp_path, other).add_checkpoint(HONEST.request(0, 1))
    assert (refused.value.rule, refused.value.found, refused.value.allowed) == ("LOG-2", ORIGIN, other.name)
    assert not (tmp_path / "witness").exists(), "strangers leave no trace"


def test_only_the_logs_own_key(witness: Witness) -> None:
    forged = sign_checkpoint(HONEST.checkpoint(3), ed25519("somebody else"))
    with pytest.raises(NoteUntrusted) as refused:
        witness.add_checkpoint(AddCheckpoint(0, (), forged))
    assert (refused.value.rule, refused.value.field) == ("LOG-2", "note signature")
    assert str(NOTE_KEY) in str(refused.value)
    changed = HONEST.note(3).replace(b"\n3\n", b"\n4\n")
    with pytest.raises(NoteUntrusted):
        witness.add_checkpoint(AddCheckpoint(0, (), changed))
    assert witness.last(ORIGIN).size == 0


def test_a_log_that_changes_its_key(tmp_path: Path) -> None:
    successor = ed25519("the log's next key")
    keys = [NOTE_KEY, NoteKey(ORIGIN, successor.public_key().public_bytes_raw())]
    witness = open_witness(tmp_path, *keys)
    cosigned(witness, HONEST.request(0, 3))
    note = sign_checkpoint(HONEST.checkpoint(9), successor)
    witness.add_checkpoint(replace(HONEST.request(3, 9), note=note))
    assert witness.last(ORIGIN).size == 9


@pytest.mark.parametrize("note", [b"", b"no note", HONEST.note(3)[:-1], HONEST.note(3) + b"\xff"])
def test_a_malformed_note(witness: Witness, note: bytes) -> None:
    with pytest.raises(InputInvalid) as refused:
        witness.add_checkpoint(AddCheckpoint(0, (), note))
    assert refused.value.rule == "LOG-2"


@pytest.mark.parametrize("data", [b"", b"torn", HONEST.note(3).replace(ORIGIN.encode(), b"x")])
def test_a_damaged_memory_stops_it(witness: Witness, tmp_path: Path, data: bytes) -> None:
    """It never goes on as if it had seen nothing."""
    cosigned(witness, HONEST.request(0, 7))
    (tmp_path / "witness" / f"{sha256(ORIGIN.encode()).hexdigest()}.checkpoint").write_bytes(data)
    for request in (HONEST.request(0, 7), HONEST.request(7, 8)):
        with pytest.raises(DatabaseCorrupted, match="cosigned last"):
            witness.add_checkpoint(request)


def test_of_two_forks_at_once_one_is_cosigned(tmp_path: Path) -> None:
    """Many threads and several witnesses over one folder, as processes would be."""
    cosigned(open_witness(tmp_path), HONEST.request(0, 4))
    won: list[SignedLog] = []
    start = threading.Barrier(8)

    def ask(log: SignedLog) -> None:
        witness = open_witness(tmp_path)
        start.wait()
        try:
            witness.add_checkpoint(log.request(4, 9))
        except RuleViolation:
            return
        won.append(log)

    threads = [threading.Thread(target=ask, args=(log,)) for log in [HONEST, FORKED] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert open_witness(tmp_path).last(ORIGIN) == won[0].checkpoint(9)
