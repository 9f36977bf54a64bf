"""A serving node has its log's head cosigned, and says once what is in the way (LOG-2)."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api.cosigner import Cosigner
from registry.evidence.checkpoints import read_checkpoint
from registry.evidence.cosignatures import WitnessKey
from registry.evidence.witnessing import AddCheckpoint
from registry.log.cosigning import CosignatureCollector
from registry.log.http_witness import WitnessUnreachable
from registry.log.witness import Witness
from tests.unit.log.log_house import SetClock
from tests.unit.log.signed_logs import NOTE_KEY, SignedLog, ed25519

pytestmark = pytest.mark.rule("LOG-2")
LOG = SignedLog.of(f"entry {n}" for n in range(20))


class Moody:
    """A witness that answers only while ``reachable``; it counts the requests."""

    def __init__(self, folder: Path) -> None:
        self.reachable, self.asked, self.answered = True, 0, threading.Event()
        self._witness = Witness(folder, "tso.example/w", ed25519("tso"), [NOTE_KEY], SetClock())

    @property
    def key(self) -> WitnessKey:
        return self._witness.key

    def add_checkpoint(self, request: AddCheckpoint) -> bytes:
        self.asked += 1
        if not self.reachable:
            raise WitnessUnreachable(found="nothing", expected="an answer", remedy="wait")
        line = self._witness.add_checkpoint(request)
        self.answered.set()
        return line


def node_of(folder: Path, witness: Moody) -> Any:
    """As much of a node as has to do with witnesses."""
    tree = folder / "tree"
    return SimpleNamespace(
        settings=SimpleNamespace(witnesses=("one",)),
        log=SimpleNamespace(checkpoint=lambda: read_checkpoint((tree / "checkpoint").read_bytes())),
        cosigner=CosignatureCollector(tree, [witness]),
    )


def test_it_asks_when_the_head_is_new_or_a_cosignature_is_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    witness = Moody(tmp_path / "witness")
    node = node_of(tmp_path, witness)
    cosigner = Cosigner(node)
    asked = []
    with caplog.at_level(logging.WARNING):
        for size, reachable in [(5, True), (5, True), (9, False), (9, False), (9, True), (9, True)]:
            SignedLog(LOG.names[:size]).write(tmp_path / "tree")
            witness.reachable, witness.asked = reachable, 0
            cosigner.work()
            asked.append(witness.asked)
    # the fifth asks twice: after the failure it does not rely on where the witness stood
    assert asked == [1, 0, 1, 1, 2, 0]
    assert read_checkpoint(node.cosigner.cosigned()).size == 9
    assert [record.getMessage().count("tso.example/w") for record in caplog.records] == [1], "said once"


def test_whatever_goes_wrong_the_next_round_comes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    witness = Moody(tmp_path / "witness")
    cosigner = Cosigner(node_of(tmp_path, witness))
    cosigner.work()
    assert "checkpoint" in caplog.text
    LOG.write(tmp_path / "tree")
    cosigner.work()
    assert witness.answered.is_set()


def test_it_runs_only_where_there_are_witnesses(tmp_path: Path) -> None:
    LOG.write(tmp_path / "tree")
    witness = Moody(tmp_path / "witness")
    node = node_of(tmp_path, witness)
    with Cosigner(node, interval_s=0.01):
        assert witness.answered.wait(10)
    node.settings.witnesses = ()
    threads = threading.active_count()
    with Cosigner(node, interval_s=0.01):
        assert threading.active_count() == threads
