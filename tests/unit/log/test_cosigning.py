"""The witnesses of a log are asked, and what they say is put under its head (LOG-2)."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.errors import RuleViolation
from registry.evidence import merkle
from registry.evidence.checkpoints import open_checkpoint
from registry.evidence.cosignatures import WitnessKey, cosign, read_cosignatures
from registry.evidence.witnessing import AddCheckpoint
from registry.log.cosigning import COSIGNED, CosignatureCollector
from registry.log.http_witness import WitnessUnreachable
from registry.log.tile_folder import TileFolder, TileMissing
from registry.log.tile_reader import TileReader
from registry.log.witness import LogForked, LogUnknown, ProofInvalid, SizeDiffers, Witness
from tests.unit.log.log_house import SetClock
from tests.unit.log.signed_logs import NOTE_KEY, ORIGIN, SignedLog, ed25519

pytestmark = pytest.mark.rule("LOG-2")
SIZE = 700
LOG = SignedLog.of(f"entry {n}" for n in range(SIZE))


@dataclass
class Witnesses:
    """Witnesses of one log, and the log's folder."""

    folder: Path
    clock: SetClock = field(default_factory=SetClock)

    def named(self, name: str) -> Witness:
        return Witness(self.folder / name, f"{name}.example/w", ed25519(name), [NOTE_KEY], self.clock)

    def published(self, log: SignedLog) -> Path:
        log.write(self.folder / "tree")
        return self.folder / "tree"


@pytest.fixture
def party(tmp_path: Path) -> Witnesses:
    return Witnesses(tmp_path)


def signers(note: bytes, *witnesses: Witness) -> set[str]:
    return {each.key.name for each in read_cosignatures(note, [witness.key for witness in witnesses])}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return LOG.write(tmp_path_factory.mktemp("whole")).root


# ---------------------------------------------------------------------------------------- proofs out of tiles


@pytest.mark.rule("LOG-1")
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_folder_alone_proves_every_size_it_had(whole: Path, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, SIZE))
    old, index = data.draw(st.integers(0, size)), data.draw(st.integers(0, size - 1))
    reader = TileReader(TileFolder(whole), size)
    assert reader.root() == LOG.root(size)
    merkle.verify_consistency(old, size, LOG.root(old), LOG.root(size), reader.consistency_proof(old))
    path = reader.inclusion_proof(index)
    merkle.verify_inclusion(LOG.leaves[index], index, size, path, LOG.root(size))


@pytest.mark.rule("LOG-1")
def test_a_partial_tile_that_goes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    LOG.write(tmp_path)
    full, partials, read = tmp_path / "tile/0/002", tmp_path / "tile/0/002.p", Path.read_bytes
    gone = []

    def grow_first(path: Path) -> bytes:
        """The log grows between the file being found and being read."""
        if path.parent == partials and not gone:
            gone.append(path)
            full.write_bytes(read(path).ljust(256 * 32, b"\0"))
            shutil.rmtree(partials)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", grow_first)
    assert TileReader(TileFolder(tmp_path), SIZE).root() == LOG.root(SIZE)
    assert len(gone) == 1
    (tmp_path / "tile/1/000.p/2").unlink()
    with pytest.raises(TileMissing):
        TileReader(TileFolder(tmp_path), SIZE).root()


# ------------------------------------------------------------------------------------------------- collecting


def test_cosignatures_come_under_the_published_note(party: Witnesses) -> None:
    witnesses = [party.named(name) for name in ("tso", "dso", "bsp")]
    for size in (300, 300, 513, 700):
        collector = CosignatureCollector(party.published(SignedLog(LOG.names[:size])), witnesses)
        collected = collector.collect()
        assert (collected.failures, len(collected.cosignatures)) == ({}, 3)
        note = (party.folder / "tree" / COSIGNED).read_bytes()
        assert note == collected.note == collector.cosigned()
        assert open_checkpoint(note, NOTE_KEY) == LOG.checkpoint(size)
        assert signers(note, *witnesses) == {"tso.example/w", "dso.example/w", "bsp.example/w"}
        assert note.startswith((party.folder / "tree" / "checkpoint").read_bytes())
        party.clock.seconds += 60


def test_the_same_collector_goes_on_where_it_was(party: Witnesses) -> None:
    """One request per round, but for the first, once it knows where the witness stands."""
    witness = party.named("tso")
    asked: list[int] = []

    class Counted:
        key = witness.key

        def add_checkpoint(self, request: AddCheckpoint) -> bytes:
            asked.append(request.old_size)
            return witness.add_checkpoint(request)

    witness.add_checkpoint(LOG.request(0, 5))
    collector = CosignatureCollector(party.published(SignedLog(LOG.names[:9])), [Counted()])
    collector.collect()
    party.published(SignedLog(LOG.names[:11]))
    collector.collect()
    assert asked == [0, 5, 9]


def test_nobody_to_ask(party: Witnesses) -> None:
    collector = CosignatureCollector(party.published(LOG), [])
    assert collector.collect().cosignatures == ()
    assert collector.cosigned() is None


def test_a_log_without_head(party: Witnesses) -> None:
    with pytest.raises(RuleViolation, match="checkpoint"):
        CosignatureCollector(party.folder / "nothing", [party.named("tso")]).collect()


class Broken:
    """A witness that fails in one way."""

    def __init__(self, act: Callable[[AddCheckpoint], bytes]) -> None:
        self.key = WitnessKey("broken.example/w", ed25519("broken").public_key().public_bytes_raw())
        self.add_checkpoint = act


def fail(error: Exception) -> Callable[[AddCheckpoint], bytes]:
    def act(_: AddCheckpoint) -> bytes:
        raise error

    return act


def line(log: SignedLog, size: int, key: str) -> bytes:
    return cosign(log.checkpoint(size), "broken.example/w", ed25519(key), 1).line().encode()


@pytest.mark.parametrize(
    "act",
    [
        fail(WitnessUnreachable(found="nothing", expected="an answer", remedy="wait")),
        fail(LogUnknown(rule="LOG-2", field="origin", found=ORIGIN, allowed="another")),
        fail(SizeDiffers(found=0, known_size=5)),
        fail(SizeDiffers(found=0, known_size=SIZE + 1)),
        lambda request: b"",
        lambda request: b"\xff",
        lambda request: b"no signature line\n",
        lambda request: line(LOG, SIZE, "broken")[:-1],
        lambda request: line(LOG, SIZE - 1, "broken"),
        lambda request: line(LOG, SIZE, "another key"),
        lambda request: request.note,
    ],
    ids=itertools.count(),
)
def test_a_broken_witness_holds_up_nobody_else(
    party: Witnesses, act: Callable[[AddCheckpoint], bytes]
) -> None:
    broken, good = Broken(act), party.named("tso")
    collected = CosignatureCollector(party.published(LOG), [broken, good]).collect()
    assert list(collected.failures) == [broken.key]
    assert signers(collected.note, good) == {"tso.example/w"}
    assert b"broken.example" not in collected.note


def test_a_witness_that_was_away_comes_under_the_same_note(party: Witnesses) -> None:
    tso, dso = party.named("tso"), party.named("dso")
    tree = party.published(LOG)
    CosignatureCollector(
        tree, [tso, Broken(fail(LogUnknown(rule="", field="", found="", allowed="")))]
    ).collect()
    away = Broken(fail(WitnessUnreachable(found="", expected="", remedy="")))
    away.key = tso.key
    collected = CosignatureCollector(tree, [away, dso]).collect()
    assert signers(collected.note, tso, dso) == {"tso.example/w", "dso.example/w"}
    assert list(collected.failures) == [tso.key]


def test_a_damaged_file_of_cosignatures_is_made_anew(party: Witnesses) -> None:
    tree, tso = party.published(LOG), party.named("tso")
    (tree / COSIGNED).write_bytes(b"torn")
    assert signers(CosignatureCollector(tree, [tso]).collect().note, tso) == {"tso.example/w"}


def test_a_head_that_went_back_is_not_shown_to_anybody(party: Witnesses) -> None:
    tso = party.named("tso")
    CosignatureCollector(party.published(LOG), [tso]).collect()
    for log in (SignedLog(LOG.names[:600]), SignedLog.of([*LOG.names[:-1], "other"])):
        before = (party.folder / "tree" / COSIGNED).read_bytes()
        with pytest.raises(LogForked) as refused:
            CosignatureCollector(party.published(log), [tso]).collect()
        assert LOG.root(SIZE).hex() in str(refused.value)
        assert (party.folder / "tree" / COSIGNED).read_bytes() == before


def test_a_forked_log_cannot_have_the_same_witnesses_twice(party: Witnesses) -> None:
    """One log, two stories: three witnesses see the common beginning, then two of them one story and the
    third the other. From there on neither story gets all three, and no two stories get two each.
    """
    one, two, three = witnesses = [party.named(name) for name in ("tso", "dso", "bsp")]
    common = SignedLog.of(f"entry {n}" for n in range(300))
    stories = [SignedLog.of([*common.names, *(f"{s} {n}" for n in range(300))]) for s in ("mine", "yours")]
    collected = CosignatureCollector(party.published(common), witnesses).collect()
    assert len(collected.cosignatures) == 3

    def shown(story: int, size: int, to: list[Witness]) -> set[str]:
        folder = party.folder / f"story {story}"
        SignedLog(stories[story].names[:size]).write(folder)
        collected = CosignatureCollector(folder, to).collect()
        refused = {key.name for key in collected.failures}
        assert all(isinstance(error, ProofInvalid | LogForked) for error in collected.failures.values())
        assert signers(collected.note, *witnesses) == {each.key.name for each in to} - refused
        return refused

    assert shown(0, 400, [one, two]) == set()
    assert shown(1, 400, [three]) == set()
    assert shown(0, 400, witnesses) == {"bsp.example/w"}, "two roots at one size"
    assert shown(1, 400, witnesses) == {"tso.example/w", "dso.example/w"}
    assert shown(0, 500, witnesses) == {"bsp.example/w"}, "no proof leads from the one to the other"
    assert shown(1, 600, witnesses) == {"tso.example/w", "dso.example/w"}
