"""Settlement through the services: from the register's facts to the ledger, and the same figures from the
bundle alone.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from registry.domain.calendar import from_unix
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import canonical_json, commitment
from registry.evidence.verify import Trust, verify_bundle_bytes
from registry.ledger.artifacts import load_artifacts
from registry.services.bundle_settlement import bundle_settlement
from registry.services.file_baselines import file_baselines
from registry.services.sealing import opened, seal
from registry.services.settle_day import settle_day
from tests.unit.api.sandbox import (
    BSP,
    CONGESTION,
    DAY,
    DSO,
    LOCAL,
    LOCAL_KW,
    OTHER_BSP,
    OTHER_GLOBAL,
    Sandbox,
)

ABIS = {name: artifact.abi for name, artifact in load_artifacts().by_name.items()}


@pytest.mark.rule("STT-4", "PRIV-3")
def test_the_ledger_holds_the_salted_hash_of_the_document(played: Sandbox) -> None:
    node = played.node
    view = node.mirror.statement(bytes.fromhex(played.statements["local"]))
    assert view is not None
    opening = opened(node.vault, view.commitment, "statement")
    assert commitment(opening.salt, canonical_json(dict(opening.payload))) == view.commitment
    assert {BSP, DSO, 41} == set(opening.owners)


@pytest.mark.rule("STT-1", "STT-2")
def test_the_figures_of_a_fully_delivered_hour(played: Sandbox) -> None:
    """10 kW up for an hour at 200 EUR/MWh is 2.00 EUR; 50 kW stand by all day at 3.43 EUR/MWh: 4.116 EUR."""
    view = played.node.mirror.statement(bytes.fromhex(played.statements["local"]))
    assert view is not None
    document = opened(played.node.vault, view.commitment, "statement").payload
    (deal,) = document["deals"]
    served = [line for line in deal["lines"] if line["requested_wh"]]
    assert [line["requested_wh"] for line in served] == [250 * LOCAL_KW] * 4
    assert [line["delivered_wh"] for line in served] == [250 * LOCAL_KW] * 4
    assert deal["availability_neur"] == 96 * 50 * 250 * 3_430
    assert document["total_cent"] == 612


@pytest.mark.rule("AUD-1", "STT-4")
@pytest.mark.parametrize("name", ["local", "global"])
def test_the_bundle_alone_gives_the_same_statement(played: Sandbox, name: str) -> None:
    node = played.node
    data = bundle_settlement(node.recorder, node.log, bytes.fromhex(played.statements[name]))
    report = verify_bundle_bytes(data, Trust(chain_id=node.ledger.chain_id), ABIS)
    assert report.ok, report.failures
    assert bundle_settlement(node.recorder, node.log, bytes.fromhex(played.statements[name])) == data


@pytest.mark.rule("STT-4")
def test_an_unknown_statement_or_an_empty_day_is_refused(played: Sandbox) -> None:
    node = played.node
    with pytest.raises(RuleViolation, match="STT-4"):
        bundle_settlement(node.recorder, node.log, bytes(32))
    with pytest.raises(RuleViolation, match="STT-4: aggregate"):
        settle_day(node.recorder, node.log, DSO, node.signers[DSO], OTHER_GLOBAL, CONGESTION, DAY)


@pytest.mark.rule("PRIV-3")
def test_a_commitment_nobody_opened_here_is_named(played: Sandbox) -> None:
    with pytest.raises(RuleViolation, match="PRIV-3: terms"):
        opened(played.node.vault, bytes(32), "terms")
    sealed = seal(played.node.vault, {"kind": "note", "n": 1}, (1,))
    assert seal(played.node.vault, {"kind": "note", "n": 1}, (1,)) != sealed, (
        "every commitment has a salt of its own"
    )


@pytest.mark.rule("BAS-1")
def test_baselines_fit_the_day_and_come_before_the_gate(founded: Sandbox) -> None:
    node, pod_id = founded.node, founded.pods[0].pod_id
    with pytest.raises(RuleViolation, match="BAS-1: energy_wh"):
        file_baselines(node.recorder, BSP, node.signers[BSP], DAY, {pod_id: (0,) * 92})
    with pytest.raises(RuleViolation, match="SES-1"):
        file_baselines(node.recorder, BSP, node.signers[BSP], DAY.plus(1), {pod_id: (0,) * 96})
    with pytest.raises(RuleViolation, match="BAS-1"):
        file_baselines(node.recorder, OTHER_BSP, node.signers[OTHER_BSP], DAY, {pod_id: (0,) * 96})
    founded.clock.set(from_unix(founded.schedule.baseline_gate) - timedelta(seconds=30))
    file_baselines(node.recorder, BSP, node.signers[BSP], DAY, {pod_id: (0,) * 96})
    founded.clock.set(from_unix(founded.schedule.baseline_gate))
    with pytest.raises(RuleViolation, match="BAS-1"):
        file_baselines(node.recorder, BSP, node.signers[BSP], DAY, {pod_id: (0,) * 96})


@pytest.mark.rule("PRIV-2")
def test_erasing_a_pod_destroys_its_code_and_its_baselines(tmp_path_factory: pytest.TempPathFactory) -> None:
    sandbox = Sandbox.founded(tmp_path_factory.mktemp("erased"))
    try:
        node, pod_id = sandbox.node, sandbox.pods[0].pod_id
        sandbox.file_baselines()
        (filed,) = node.mirror.baselines(DAY.number, pod_id=pod_id)
        assert node.vault.opening(filed.commitment) is not None
        before = list(node.mirror.dump())
        assert node.vault.erase_pod(pod_id)
        assert node.vault.pod(pod_id) is None and node.vault.opening(filed.commitment) is None
        assert list(node.mirror.dump()) == before, "what is recorded stays, and leads nowhere"
    finally:
        sandbox.close()


@pytest.mark.rule("STT-4")
def test_a_second_statement_supersedes_the_first(tmp_path_factory: pytest.TempPathFactory) -> None:
    sandbox = Sandbox.played(tmp_path_factory.mktemp("again"))
    try:
        node = sandbox.node
        first = bytes.fromhex(sandbox.statements["local"])
        done = settle_day(node.recorder, node.log, DSO, node.signers[DSO], LOCAL, CONGESTION, DAY)
        old, new = node.mirror.statement(first), node.mirror.statement(done.statement_id)
        assert old is not None and new is not None
        assert old.superseded_by == done.statement_id and new.supersedes == first
        assert verify_bundle_bytes(
            bundle_settlement(node.recorder, node.log, done.statement_id), Trust(), ABIS
        ).ok
        stale = verify_bundle_bytes(bundle_settlement(node.recorder, node.log, first), Trust(), ABIS)
        assert [check.rule for check in stale.failures] == ["STT-4"]
    finally:
        sandbox.close()
