"""From a witness's word to the auditor's count: the anchor carries how many cosigned, the bundle what they
signed (LOG-2).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from registry.bootstrap import Node
from registry.cli.main import app
from registry.cli.outcome import EXIT_REFUSED
from registry.evidence.bundle import read_bundle
from registry.evidence.checkpoints import open_checkpoint
from registry.evidence.cosignatures import WitnessKey, read_cosignatures
from registry.evidence.verify import Trust, verify_bundle_bytes
from registry.ledger.artifacts import load_artifacts
from registry.log.cosigning import CosignatureCollector, Held
from registry.log.witness import Witness
from registry.services.bundle_settlement import bundle_settlement
from tests.unit.api.sandbox import ACCESS_NODE, BSP, DAY, Sandbox
from tests.unit.log.signed_logs import ed25519

pytestmark = pytest.mark.rule("LOG-2", "AUD-1")
ABIS = {name: artifact.abi for name, artifact in load_artifacts().by_name.items()}
NAMES = ("tso.example/w", "dso.example/w")
KEYS = tuple(WitnessKey(name, ed25519(name).public_key().public_bytes_raw()) for name in NAMES)


class Prompt(CosignatureCollector):
    """Asks the witnesses whenever somebody wants to know what they said."""

    def held(self) -> Held | None:
        self.collect()
        return super().held()


def watched(node: Node, folder: Path) -> CosignatureCollector:
    return Prompt(
        node.log_tree,
        [Witness(folder / name[:3], name, ed25519(name), [node.log.note_key], node.clock) for name in NAMES],
    )


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A played day of a node whose log two witnesses watch."""
    sandbox = Sandbox.founded(tmp_path_factory.mktemp("watched"))
    sandbox.node.cosigner = watched(sandbox.node, tmp_path_factory.mktemp("witnesses"))
    sandbox.qualify()
    sandbox.file_baselines()
    sandbox.trade()
    sandbox.measure()
    sandbox.settle()
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def bundle(sandbox: Sandbox) -> bytes:
    node, statement_id = sandbox.node, bytes.fromhex(sandbox.statements["local"])
    return bundle_settlement(node.recorder, node.log, statement_id, node.cosigner.kept)


def test_the_register_shows_how_many_witnesses_cosigned(sandbox: Sandbox) -> None:
    (anchor,) = sandbox.node.mirror.checkpoints()
    assert (anchor.node, anchor.witnesses) == (ACCESS_NODE, 2)
    path = f"/v1/pods/{sandbox.pods[0].hex}/readings"
    readings = sandbox.get(path, BSP, day=DAY.date).json()["readings"]
    assert readings and {reading["anchor"]["witnesses"] for reading in readings} == {2}


def test_anybody_can_count_again_from_the_published_checkpoint(sandbox: Sandbox) -> None:
    (anchor,) = sandbox.node.mirror.checkpoints()
    answer = sandbox.client.get(f"/v1/log/cosigned/{anchor.size}")
    assert answer.status_code == 200
    checkpoint = open_checkpoint(answer.content, sandbox.node.log.note_key)
    assert (checkpoint.size, checkpoint.root) == (anchor.size, anchor.root)
    assert len(read_cosignatures(answer.content, KEYS)) == anchor.witnesses
    assert sandbox.client.get(f"/v1/log/cosigned/{anchor.size + 1}").status_code == 404
    assert sandbox.client.get("/v1/log/cosigned/..").status_code == 404
    assert sandbox.client.get("/v1/log/cosigned/-1").status_code == 422


def test_the_auditor_counts_again_offline(bundle: bytes) -> None:
    report = verify_bundle_bytes(bundle, Trust(witnesses=KEYS), ABIS)
    assert report.ok, report.failures
    (check,) = (check for check in report.checks if check.name == "witnesses")
    assert check.detail == "2 of the anchor's 2 cosignatures verify"
    report = verify_bundle_bytes(bundle, Trust(witnesses=KEYS[:1]), ABIS)
    assert [check.name for check in report.failures] == ["witnesses"]


def test_the_command_line_takes_the_keys(bundle: bytes, tmp_path: Path) -> None:
    path = tmp_path / "local.flexbundle"
    path.write_bytes(bundle)
    words = ["verify", str(path), "--json"]
    for key in KEYS:
        words += ["--witness", str(key)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    checks = {check["name"]: check["detail"] for check in json.loads(result.stdout)["checks"]}
    assert checks["witnesses"] == "2 of the anchor's 2 cosignatures verify"
    result = CliRunner().invoke(app, ["verify", str(path), "--witness", str(KEYS[0])])
    assert result.exit_code == EXIT_REFUSED and "fails: witnesses" in result.output
    result = CliRunner().invoke(app, ["verify", str(path), "--witness", "tso.example/w"])
    assert result.exit_code == EXIT_REFUSED
    assert "AUD-1: witness: found tso.example/w, allowed NAME+ID+KEY" in result.stderr


def test_a_kept_note_that_is_not_of_this_checkpoint_stays_out_of_the_bundle(sandbox: Sandbox) -> None:
    node, statement_id = sandbox.node, bytes.fromhex(sandbox.statements["local"])
    (anchor,) = node.mirror.checkpoints()
    own = node.log.checkpoint_at(anchor.size).note
    for kept in (None, b"torn", own.replace(b"\n8\n", b"\n9\n", 1)[1:]):
        data = bundle_settlement(node.recorder, node.log, statement_id, lambda _, kept=kept: kept)
        assert read_bundle(data).checkpoint == own
        report = verify_bundle_bytes(data, Trust(witnesses=KEYS), ABIS)
        assert [check.name for check in report.failures] == ["witnesses"]
