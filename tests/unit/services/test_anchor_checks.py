"""Anchors that did not grow out of one another are found by the node and by the auditor (LOG-2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.domain.commands import AnchorCheckpoint
from registry.domain.errors import RuleViolation
from registry.evidence.bundle import read_bundle, write_bundle
from registry.evidence.verify import Trust, verify_bundle_bytes
from registry.ledger.artifacts import load_artifacts
from registry.services.anchor_checks import anchored_roots, check_anchors
from registry.services.bundle_settlement import bundle_settlement
from tests.unit.api.sandbox import ACCESS_NODE, SEQUENCE, Sandbox

ABIS = {name: artifact.abi for name, artifact in load_artifacts().by_name.items()}


def grow(sandbox: Sandbox, quarter: int, counter: int) -> None:
    """One more reading and one more anchor."""
    data = sandbox.reading(0, quarter, counter)
    assert sandbox.client.post("/v1/statements/batch", content=data, headers=SEQUENCE).is_success
    sandbox.node.anchorer(ACCESS_NODE).anchor()
    sandbox.node.mirror.catch_up()


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A played day whose log was anchored three times."""
    sandbox = Sandbox.played(tmp_path_factory.mktemp("anchors"))
    grow(sandbox, 0, 5)
    grow(sandbox, 1, 6)
    return sandbox


@pytest.mark.rule("LOG-2")
def test_an_honest_log_grows_and_its_bundle_proves_it(sandbox: Sandbox) -> None:
    with sandbox.node:
        assert check_anchors(sandbox.node.mirror, sandbox.node.log) == 3
        statement_id = bytes.fromhex(sandbox.statements["local"])
        data = bundle_settlement(sandbox.node.recorder, sandbox.node.log, statement_id)
        report = verify_bundle_bytes(data, Trust(), ABIS)
        assert report.ok, report.failures
        assert next(c for c in report.checks if c.name == "growth of the log").detail.startswith("3 anchors")


@pytest.mark.rule("LOG-2", "AUD-1")
def test_proofs_that_are_missing_or_of_another_log_fail_by_name(sandbox: Sandbox) -> None:
    with sandbox.node:
        statement_id = bytes.fromhex(sandbox.statements["local"])
        bundle = read_bundle(bundle_settlement(sandbox.node.recorder, sandbox.node.log, statement_id))
        for proofs in (
            (),
            bundle.consistency[:1],
            bundle.consistency[::-1],
            ((bytes(32),), *bundle.consistency[1:]),
        ):
            report = verify_bundle_bytes(write_bundle(replace(bundle, consistency=proofs)), Trust(), ABIS)
            assert [(check.name, check.rule) for check in report.failures] == [("growth of the log", "LOG-2")]


@pytest.mark.rule("LOG-2")
def test_a_larger_tree_with_another_past_is_named(sandbox: Sandbox) -> None:
    """The contract cannot see a fork at a larger size; who holds the log can."""
    node = sandbox.node
    with node:
        size = node.log.checkpoint().size
        forked = AnchorCheckpoint(ACCESS_NODE, node.log.log_id, size + 1, b"\x01" * 32, 0)
        sandbox.record(forked, ACCESS_NODE)
        data = sandbox.reading(0, 2, 7)
        assert sandbox.client.post("/v1/statements/batch", content=data, headers=SEQUENCE).is_success
        assert list(anchored_roots(node.mirror, node.log.log_id))[-1] == size + 1
        with pytest.raises(RuleViolation, match=f"LOG-2: anchor of size {size + 1}"):
            check_anchors(node.mirror, node.log)
