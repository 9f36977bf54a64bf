"""PODs that leave, go to another BSP or to another perimeter (POD-5, DTL-1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from registry.domain.calendar import from_unix
from registry.domain.commands import DeclarePerimeters
from registry.domain.lights import PerimeterDraft
from tests.unit.api.refusals import refused
from tests.unit.api.sandbox import (
    AUDITOR,
    BSP,
    DAY,
    DSO,
    OTHER_BSP,
    OTHER_DSO,
    PERIMETER,
    Sandbox,
    pod_body,
)

DATE = DAY.date.isoformat()


@pytest.mark.rule("POD-5")
def test_a_withdrawn_pod_is_gone_for_its_bsp_and_there_for_its_dso(founded: Sandbox) -> None:
    (pod_id,) = founded.post("/v1/pods", BSP, {"pods": [pod_body("IT001E00550009")]}).json()["pod_ids"]
    gone = founded.post("/v1/pods/withdrawals", BSP, {"pod_ids": [pod_id]})
    assert gone.json()["events"][-1] == "PodWithdrawn"
    refused(founded.get(f"/v1/pods/{pod_id}", BSP), 404, "API-2")
    assert founded.get(f"/v1/pods/{pod_id}", DSO).json()["withdrawn"] is True
    # and another BSP can take it over without seeing what was before
    (taken,) = founded.post("/v1/pods", OTHER_BSP, {"pods": [pod_body("IT001E00550009")]}).json()["pod_ids"]
    assert taken == pod_id
    steps = founded.everything(f"/v1/pods/{pod_id}/history", OTHER_BSP)
    assert {step["state"]["bsp"] for step in steps} == {OTHER_BSP}
    assert {step["state"]["bsp"] for step in founded.everything(f"/v1/pods/{pod_id}/history", AUDITOR)} == {
        BSP,
        OTHER_BSP,
    }


@pytest.mark.rule("POD-5")
def test_a_switch_of_bsp_and_who_was_responsible_when(fresh: Sandbox) -> None:
    code = "IT001E00550010"
    (pod_id,) = fresh.post("/v1/pods", BSP, {"pods": [pod_body(code)]}).json()["pod_ids"]
    fresh.clock.set(from_unix(fresh.schedule.opens_at))
    claims = {"claims": [{"pod_code": code, "mandate": "contract 7 of 1 June"}]}
    unknown = {"claims": [{"pod_code": "IT001E00550011", "mandate": "none"}]}
    refused(fresh.post("/v1/pods/claims", OTHER_BSP, unknown), 422, "POD-5")
    refused(fresh.post("/v1/pods/claims", BSP, claims), 422, "POD-5")
    assert fresh.post("/v1/pods/claims", OTHER_BSP, claims).json()["pod_ids"] == [pod_id]
    refused(fresh.get(f"/v1/pods/{pod_id}", OTHER_BSP), 404, "API-2")
    over = {"handovers": [{"pod_id": pod_id, "bsp": OTHER_BSP}]}
    refused(fresh.post("/v1/pods/handovers", OTHER_DSO, over), 404, "API-2")
    for party in (BSP, OTHER_BSP, DSO):
        (claim,) = fresh.get("/v1/pods/claims", party, pending="true").json()["items"]
        assert (claim["pod_id"], claim["bsp"], claim["holder"]) == (pod_id, OTHER_BSP, BSP)
    opening = fresh.node.vault.opening(bytes.fromhex(claim["mandate_hash"]))
    assert opening is not None and opening.payload["reference"] == "contract 7 of 1 June"
    assert sorted(opening.owners) == [DSO, OTHER_BSP]
    assert fresh.post("/v1/pods/claims/drops", OTHER_BSP, {"pod_ids": [pod_id]}).status_code == 200
    refused(fresh.post("/v1/pods/handovers", DSO, over), 422, "POD-5")
    assert fresh.post("/v1/pods/claims", OTHER_BSP, claims).status_code == 201
    fresh.clock.set(fresh.clock.now() + timedelta(minutes=5))
    done = fresh.post("/v1/pods/handovers", DSO, over)
    assert done.json()["events"] == ["PodHandedOver"]
    assert fresh.get("/v1/pods/claims", DSO, pending="true").json()["items"] == []
    refused(fresh.get(f"/v1/pods/{pod_id}", BSP), 404, "API-2")

    def responsible(party: int, days: int) -> Any:
        noon = DAY.plus(days).starts_at + timedelta(hours=12)
        return fresh.get(f"/v1/pods/{pod_id}/responsible", party, at=noon.isoformat())

    for party in (DSO, AUDITOR):
        assert [responsible(party, days).json()["bsp"] for days in (-1, 0, 1, 9)] == [
            None,
            BSP,
            OTHER_BSP,
            OTHER_BSP,
        ]
    assert (responsible(BSP, 0).json()["bsp"], responsible(OTHER_BSP, 1).json()["bsp"]) == (BSP, OTHER_BSP)
    refused(responsible(BSP, 1), 404, "API-2")
    refused(responsible(OTHER_BSP, 0), 404, "API-2")
    assert responsible(DSO, 0).json()["day"] == DATE
    before = fresh.clock.now() - timedelta(minutes=4)
    told = fresh.get(
        f"/v1/pods/{pod_id}/responsible",
        DSO,
        at=(DAY.ends_at + timedelta(hours=1)).isoformat(),
        as_of=before.isoformat(),
    )
    assert told.json()["bsp"] == BSP, "as it was known before the handover"
    refused(fresh.get(f"/v1/pods/{pod_id}/responsible", DSO, at="2026-06-18"), 422, "TIM-1")


@pytest.mark.rule("DTL-1")
def test_pods_move_along_with_a_split_perimeter(fresh: Sandbox) -> None:
    part, pod_id = PERIMETER + 1, fresh.pods[0].hex
    moves = {"perimeter": part, "pod_ids": [pod_id]}
    refused(fresh.post("/v1/pods/moves", DSO, moves), 422, "DTL-1")
    fresh.record(DeclarePerimeters(DSO, (PerimeterDraft(part, (PERIMETER,), bytes(32)),)), DSO)
    before = fresh.get(f"/v1/pods/{pod_id}", DSO).json()
    assert fresh.post("/v1/pods/moves", DSO, moves).json()["events"] == ["PodMoved"]
    pod = fresh.get(f"/v1/pods/{pod_id}", DSO).json()
    assert pod["perimeter"] == part
    assert (pod["light"], pod["granted_up_kw"]) == (before["light"], before["granted_up_kw"])
    refused(fresh.post("/v1/pods/moves", DSO, moves), 422, "DTL-1")
