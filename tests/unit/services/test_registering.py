"""Registration through the service: all or none, one pseudonym per POD code, nothing private left behind
(POD-1, PRIV-1).
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.domain.commands import WithdrawPods
from registry.domain.errors import RuleViolation
from registry.services.register_pods import ApplicationsInvalid, PodApplication, register_pods
from tests.unit.api.sandbox import BSP, DAY, DSO, OTHER_BSP, PODS, Sandbox, SandboxPod, application


def fresh(number: int) -> PodApplication:
    return application(SandboxPod(f"IT001E9{number:07d}", BSP, DSO, 0))


@pytest.mark.rule("POD-1")
def test_one_bad_row_refuses_the_batch_and_every_bad_row_is_named(founded: Sandbox) -> None:
    node = founded.node
    rows = [fresh(1), replace(fresh(2), pod_code="IT1"), fresh(1), replace(fresh(3), up_kw=0, down_kw=0)]
    rows += [replace(fresh(4), down_kw=131_072), application(PODS[0])]
    with pytest.raises(ApplicationsInvalid) as refused:
        register_pods(node.recorder, BSP, node.signers[BSP], rows)
    assert [error.row for error in refused.value.rows] == [1, 2, 3, 4, 5]
    assert {error.violation.rule for error in refused.value.rows} == {"POD-1"}
    assert node.vault.pod_id_of(fresh(1).pod_code) is None


@pytest.mark.rule("POD-1", "PRIV-1")
def test_what_the_ledger_refuses_leaves_nothing_in_the_vault(founded: Sandbox) -> None:
    node = founded.node
    unknown_dso = replace(fresh(10), dso=99)
    with pytest.raises(RuleViolation) as refused:
        register_pods(node.recorder, BSP, node.signers[BSP], [fresh(11), unknown_dso])
    assert refused.value.rule == "POD-1"
    assert node.vault.pod_id_of(fresh(10).pod_code) is None
    assert node.vault.pod_id_of(fresh(11).pod_code) is None


@pytest.mark.rule("POD-1", "POD-5")
def test_a_pod_keeps_its_pseudonym_when_it_changes_hands(founded: Sandbox) -> None:
    node = founded.node
    (first,) = register_pods(node.recorder, BSP, node.signers[BSP], [fresh(20)]).pod_ids
    with pytest.raises(RuleViolation, match="POD-1"):
        register_pods(node.recorder, OTHER_BSP, node.signers[OTHER_BSP], [fresh(20)])
    founded.record(WithdrawPods(BSP, (first,)), BSP)
    (second,) = register_pods(node.recorder, OTHER_BSP, node.signers[OTHER_BSP], [fresh(20)]).pod_ids
    assert second == first
    pod = node.mirror.pod(first)
    assert pod is not None and pod.bsp == OTHER_BSP


@pytest.mark.rule("PRIV-1")
def test_the_pseudonym_tells_nothing_without_its_salt(founded: Sandbox) -> None:
    secret = founded.node.vault.pod(founded.pods[0].pod_id)
    assert secret is not None and secret.pod_code == PODS[0].code and len(secret.salt) == 32
    rows = [repr(row) for row in founded.node.mirror.dump()]
    assert not any(pod.code in row for row in rows for pod in PODS)
    assert founded.node.mirror.pod(founded.pods[0].pod_id, day=DAY.number) is not None


@pytest.mark.rule("POD-1", "POD-5")
def test_a_refused_registration_leaves_the_entry_of_the_bsp_before(founded: Sandbox) -> None:
    node = founded.node
    (pod_id,) = register_pods(node.recorder, BSP, node.signers[BSP], [fresh(30)]).pod_ids
    founded.record(WithdrawPods(BSP, (pod_id,)), BSP)
    kept = node.vault.pod(pod_id)
    taken_over = replace(fresh(30), dso=99, position="0,0")
    with pytest.raises(RuleViolation, match="POD-1"):
        register_pods(node.recorder, OTHER_BSP, node.signers[OTHER_BSP], [taken_over])
    assert kept is not None and node.vault.pod(pod_id) == kept
