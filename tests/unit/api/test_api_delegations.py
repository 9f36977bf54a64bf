"""A lent right: a party of whatever kind files a BSP's baselines, and does nothing else for it (ACT-1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from registry.domain.calendar import unix
from tests.unit.api.refusals import refused
from tests.unit.api.sandbox import (
    ACCESS_NODE,
    AUDITOR,
    BSP,
    DAY,
    DSO,
    LOCAL,
    OTHER_BSP,
    PERIMETER,
    TSO,
    Sandbox,
)

pytestmark = pytest.mark.rule("ACT-1", "BAS-1")
DATE = DAY.date.isoformat()
BASELINES = "/v1/baselines"


def filing(world: Sandbox, pod: int = 0) -> dict[str, Any]:
    energies = [0] * DAY.quarters
    return {"day": DATE, "bsp": BSP, "baselines": [{"pod_id": world.pods[pod].hex, "energy_wh": energies}]}


def lend(world: Sandbox, agent: int, until: int = unix(DAY.starts_at)) -> None:
    body = {"agent": agent, "valid_until": until}
    assert world.post("/v1/delegations", BSP, body).status_code == 201


@pytest.mark.parametrize("agent", [TSO, DSO, OTHER_BSP, ACCESS_NODE, AUDITOR])
def test_an_agent_of_any_kind_files_for_the_bsp_while_it_may(fresh: Sandbox, agent: int) -> None:
    refused(fresh.post(BASELINES, agent, filing(fresh)), 404, "API-2")
    lend(fresh, agent)
    (lent,) = fresh.get("/v1/delegations", agent, as_agent="true").json()["items"]
    assert (lent["party"], lent["agent"], lent["ended"]) == (BSP, agent, False)
    done = fresh.post(BASELINES, agent, filing(fresh))
    assert done.json()["events"] == ["BaselineFiled"]
    (filed,) = fresh.get(f"{BASELINES}/{DATE}", BSP).json()["items"]
    assert (filed["pod_id"], filed["bsp"]) == (fresh.pods[0].hex, BSP)
    assert filed["recorded"]["actor"] == agent
    assert fresh.post("/v1/delegations/ends", BSP, {"agent": agent}).status_code == 200
    refused(fresh.post(BASELINES, agent, filing(fresh)), 404, "API-2")
    refused(fresh.post("/v1/delegations/ends", BSP, {"agent": agent}), 403, "ACT-1")


@pytest.mark.parametrize("agent", [ACCESS_NODE, OTHER_BSP])
def test_an_agent_does_nothing_else_in_the_place_of_the_bsp(fresh: Sandbox, agent: int) -> None:
    """PODs, members, declarations and what it keeps to itself stay the BSP's; only its own PODs count."""
    lend(fresh, agent)
    pod_id = fresh.pods[0].hex
    declaration = {"day": DATE, "aggregate": LOCAL, "perimeter": PERIMETER, "pods": [], "complete": True}
    for path, body in (
        ("/v1/pods/withdrawals", {"pod_ids": [pod_id]}),
        (f"/v1/aggregates/{LOCAL}/members", {"pod_ids": [pod_id]}),
        ("/v1/declarations", declaration),
    ):
        assert fresh.post(path, agent, body).status_code in (403, 404), path
    for path in (f"/v1/pods/{pod_id}", f"/v1/pods/{pod_id}/code", f"/v1/aggregates/{LOCAL}/members"):
        assert fresh.get(path, agent).status_code in (403, 404), path
    refused(fresh.post(BASELINES, agent, filing(fresh, 6)), 404, "API-2")  # a POD of the other BSP
    stranger = {**filing(fresh), "bsp": DSO}
    refused(fresh.post(BASELINES, agent, stranger), 404, "API-2")


def test_without_a_bsp_in_whose_place_only_a_bsp_files(fresh: Sandbox) -> None:
    lend(fresh, DSO)
    own = {name: value for name, value in filing(fresh).items() if name != "bsp"}
    refused(fresh.post(BASELINES, DSO, own), 403, "ACT-1")
    refused(fresh.post(BASELINES, DSO, {**own, "bsp": DSO}), 403, "ACT-1")
    assert fresh.post(BASELINES, BSP, own).json()["events"] == ["BaselineFiled"]


def test_only_a_bsp_lends_and_not_to_itself(fresh: Sandbox) -> None:
    until = unix(DAY.starts_at)
    refused(fresh.post("/v1/delegations", BSP, {"agent": BSP, "valid_until": until}), 403, "ACT-1")
    refused(fresh.post("/v1/delegations", DSO, {"agent": TSO, "valid_until": until}), 403, "ACT-1")
    refused(fresh.get("/v1/delegations", DSO), 403, "ACT-1")
    assert fresh.get("/v1/delegations", DSO, as_agent="true").json()["items"] == []


def test_a_right_ends_with_its_time(fresh: Sandbox) -> None:
    lend(fresh, ACCESS_NODE, unix(fresh.clock.now()) + 600)
    assert fresh.post(BASELINES, ACCESS_NODE, filing(fresh)).status_code == 201
    fresh.clock.set(fresh.clock.now() + timedelta(seconds=601))
    refused(fresh.post(BASELINES, ACCESS_NODE, filing(fresh, 1)), 404, "API-2")


def test_a_device_files_nothing(fresh: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {fresh.device_token(0)}"}
    refused(fresh.post(BASELINES, None, filing(fresh), headers), 403, "ACT-1")
    refused(fresh.get("/v1/delegations", None, headers, as_agent="true"), 403, "ACT-1")
