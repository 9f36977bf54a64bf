"""Lists walk by key, the past can be asked for, unchanged answers cost nothing, anyone can check the log."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from registry.evidence.receipts import parse_receipt, verify_receipt
from tests.unit.api.sandbox import (
    ACCESS_NODE,
    AUDITOR,
    BALANCING,
    BSP,
    CONGESTION,
    DAY,
    DSO,
    GLOBAL,
    LOCAL,
    LOCAL_HOUR,
    LOCAL_KW,
    OTHER_BSP,
    OTHER_GLOBAL,
    PERIMETER,
    TSO,
    USE_PRICE,
    Sandbox,
)

DATE = DAY.date.isoformat()
LISTS = [
    ("/v1/parties", None),
    ("/v1/products", None),
    ("/v1/equivalences", None),
    ("/v1/pods", AUDITOR),
    ("/v1/aggregates", AUDITOR),
    (f"/v1/aggregates/{GLOBAL}/members", AUDITOR),
    ("/v1/qualifications", AUDITOR),
    ("/v1/perimeters", AUDITOR),
    (f"/v1/lights/{DATE}", AUDITOR),
    (f"/v1/selections/{DATE}", AUDITOR),
    (f"/v1/declarations/{DATE}", AUDITOR),
    (f"/v1/baselines/{DATE}", AUDITOR),
    ("/v1/settlements", AUDITOR),
    ("/v1/selections/" + DATE, DSO),
    ("/v1/declarations/" + DATE, TSO),
]


@pytest.mark.parametrize(("path", "party"), LISTS)
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_give_every_row_once_and_in_order(
    played: Sandbox, path: str, party: int | None, limit: int
) -> None:
    whole = played.everything(path, party)
    assert whole
    keys = [item["key"] for item in whole]
    assert keys == sorted(set(keys))
    assert played.everything(path, party, limit) == whole


def test_a_history_walks_by_key_too(played: Sandbox) -> None:
    path = f"/v1/pods/{played.pods[0].hex}/history"
    whole = played.everything(path, BSP)
    assert [item["recorded"]["event"] for item in whole][:2] == ["PodRegistered", "StaticLightGiven"]
    places = [(item["recorded"]["block_number"], item["recorded"]["log_index"]) for item in whole]
    assert places == sorted(places)
    assert played.everything(path, BSP, 1) == whole
    actors = {item["recorded"]["event"]: item["recorded"]["actor"] for item in whole}
    assert (actors["PodRegistered"], actors["StaticLightGiven"]) == (BSP, DSO)


@pytest.mark.rule("MIR-1")
def test_as_of_gives_what_was_recorded_until_then(played: Sandbox) -> None:
    """Every version of a POD is found again at its own instant, and not a second before."""
    pod = played.pods[0].hex
    for step in played.everything(f"/v1/pods/{pod}/history", BSP):
        at = datetime.fromisoformat(step["recorded"]["block_time"])
        then = played.get(f"/v1/pods/{pod}", BSP, as_of=at.isoformat())
        assert then.json()["recorded"]["tx_hash"] == step["recorded"]["tx_hash"]
        before = played.get(f"/v1/pods/{pod}", BSP, as_of=(at - timedelta(seconds=1)).isoformat())
        assert (
            before.status_code == 404 or before.json()["recorded"]["tx_hash"] != step["recorded"]["tx_hash"]
        )
    founded = "2026-06-17T03:00:00Z"
    assert played.everything("/v1/settlements", AUDITOR, as_of=founded) == []
    assert played.everything(f"/v1/selections/{DATE}", TSO, as_of=founded) == []
    assert len(played.everything("/v1/parties", None, as_of=founded)) == 7
    assert played.everything("/v1/parties", None, as_of="2026-06-01T00:00:00+02:00") == []


def test_as_of_a_later_instant_is_now(played: Sandbox) -> None:
    later = "2031-01-01T00:00:00Z"
    assert played.everything("/v1/pods", BSP, as_of=later) == played.everything("/v1/pods", BSP)


@pytest.mark.rule("POD-5")
def test_a_pod_is_asked_for_as_of_a_delivery_day(played: Sandbox) -> None:
    pod = played.pods[0].hex
    assert played.get(f"/v1/pods/{pod}", BSP, day=DATE).json()["from_day"] == DATE
    assert played.get(f"/v1/pods/{pod}", BSP, day="2026-06-17").status_code == 404
    assert len(played.everything("/v1/pods", BSP, day=DATE, aggregate=GLOBAL)) == 3
    assert len(played.everything("/v1/pods", BSP, day=DATE, perimeter=PERIMETER)) == 3


def test_an_unchanged_answer_is_not_sent_again(played: Sandbox) -> None:
    first = played.get("/v1/products")
    tag = first.headers["etag"]
    assert "Authorization" in first.headers["vary"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = played.get("/v1/products", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert played.get("/v1/products", headers={"If-None-Match": '"other"'}).content == first.content
    assert played.get("/v1/products", limit=1).headers["etag"] != tag


def test_tags_are_of_what_the_caller_sees(played: Sandbox) -> None:
    tags = [played.get("/v1/pods", party).headers["etag"] for party in (BSP, OTHER_BSP, DSO)]
    assert len(set(tags)) == 3
    assert played.get("/v1/pods", OTHER_BSP, headers={"If-None-Match": tags[0]}).status_code == 200


def test_a_problem_has_no_tag(played: Sandbox) -> None:
    assert "etag" not in played.get("/v1/pods").headers


def test_every_fact_names_transaction_block_time_and_actor(played: Sandbox) -> None:
    for path, party in LISTS:
        for item in played.everything(path, party):
            recorded = item["recorded"]
            assert len(recorded["tx_hash"]) == 64 and recorded["block_number"] > 0
            assert datetime.fromisoformat(recorded["block_time"]).utcoffset() == timedelta(0)
            assert recorded["actor"] in (0, TSO, DSO, 12, BSP, OTHER_BSP, ACCESS_NODE)


@pytest.mark.rule("TOE-2")
def test_a_qualification_is_answered_with_its_chain_or_the_rule(played: Sandbox) -> None:
    yes = played.get(f"/v1/aggregates/{LOCAL}/qualifications/{CONGESTION}", BSP).json()
    assert (yes["qualified"], yes["chain"], yes["tested_aggregate"]) == (True, [CONGESTION], LOCAL)
    no = played.get(f"/v1/aggregates/{GLOBAL}/qualifications/{BALANCING}", BSP).json()
    assert no["qualified"] is False
    assert no["refusal"]["rule"] == "TOE-2"
    unknown = played.get(f"/v1/aggregates/{GLOBAL}/qualifications/{BALANCING + 9}", BSP)
    assert (unknown.status_code, unknown.json()["field"]) == (404, "product")


@pytest.mark.rule("SES-3", "SES-1")
def test_days_outcomes_and_declarations_are_in_plain_numbers(played: Sandbox) -> None:
    day = played.get(f"/v1/days/{DATE}").json()
    assert (day["quarters"], len(day["lfp_gates"]), len(day["msd_gates"])) == (96, 6, 6)
    (selection,) = played.everything(f"/v1/selections/{DATE}", BSP)
    assert selection["kw"] == [LOCAL_KW if hour == LOCAL_HOUR else 0 for hour in range(24)]
    assert (selection["market"], selection["day"]) == ("lfp", DATE)
    (declaration,) = played.everything(f"/v1/declarations/{DATE}", BSP)
    assert declaration["quarters"] == [4 * LOCAL_HOUR + quarter for quarter in range(4)]
    light = played.everything(f"/v1/lights/{DATE}", BSP)[0]
    assert light["up_lights"][0] == {"colour": "green", "capability_kw": None, "reactive": False}
    assert "up" not in light and "cells" not in selection


@pytest.mark.rule("STT-2", "PRIV-3", "AUD-1")
def test_a_settlement_its_document_and_its_evidence(played: Sandbox) -> None:
    statement_id = played.statements["local"]
    on_ledger = played.get(f"/v1/settlements/{statement_id}", BSP).json()
    document = played.get(f"/v1/settlements/{statement_id}/document", BSP).json()
    for name in ("statement_id", "aggregate", "product", "operator"):
        assert document[name] == on_ledger[name]
    assert document["deals"][0]["terms"]["use_price_milli_eur_per_mwh"] == USE_PRICE
    bundle = played.get(f"/v1/settlements/{statement_id}/evidence", BSP)
    assert bundle.headers["x-content-sha256"] == sha256(bundle.content).hexdigest()
    assert bundle.headers["content-type"] == "application/zip"
    assert statement_id in bundle.headers["content-disposition"]


@pytest.mark.rule("LOG-1")
def test_the_log_can_be_checked_by_anyone(played: Sandbox) -> None:
    checkpoint = played.get("/v1/log/checkpoint")
    origin, size, root, *_ = checkpoint.text.splitlines()
    head = played.node.log.checkpoint()
    assert (origin, int(size), base64.b64decode(root)) == (played.node.log.origin, head.size, head.root)
    tile = played.get(f"/v1/log/tile/0/000.p/{head.size}")
    assert tile.headers["content-type"] == "application/octet-stream"
    assert len(tile.content) == 32 * head.size
    for index in range(head.size):
        assert played.get(f"/v1/statements/{index}/receipt").content == played.node.log.receipt(index)
    assert played.get(f"/v1/statements/{head.size}/receipt").status_code == 404


def test_health_and_time(played: Sandbox) -> None:
    assert played.get("/health/live").json() == {"status": "alive"}
    ready = played.get("/health/ready").json()
    assert (ready["status"], ready["blocks_behind"], ready["caretaker"]) == ("ready", 0, None)
    assert played.get("/v1/time").json() == {"now": int(played.clock.now().timestamp())}


def test_a_node_that_is_behind_says_so(played: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(played.node.mirror, "position", lambda: None)
    behind = played.get("/health/ready")
    assert (behind.status_code, behind.json()["status"]) == (503, "behind")


def test_the_openapi_page_needs_nothing_from_elsewhere(played: Sandbox) -> None:
    page = played.get("/docs")
    assert page.status_code == 200
    references = [part.split('"')[0] for part in page.text.replace("'", '"').split('"') if "://" in part]
    assert references == []
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"/docs/{name}" in page.text
        assert len(played.get(f"/docs/{name}").content) > 1_000


def test_numbers_of_a_schema_have_their_bounds(played: Sandbox) -> None:
    schema: Any = played.get("/openapi.json").json()
    statuses = {
        status
        for path in schema["paths"].values()
        for method in path.values()
        for status in method["responses"]
    }
    assert "4XX" in statuses and "5XX" in statuses and "422" not in statuses
    assert schema["components"]["schemas"]["Problem"]["required"][:4] == ["type", "title", "status", "detail"]


@pytest.mark.rule("LOG-1")
def test_receipts_verify(played: Sandbox) -> None:
    public_key = played.node.keys.p256("receipts").public_key()
    receipt = played.get("/v1/statements/0/receipt").content
    verify_receipt(parse_receipt(receipt), played.node.log.entry(0), public_key)


@pytest.mark.rule("AGG-2")
def test_members_as_of_a_day(played: Sandbox) -> None:
    path = f"/v1/aggregates/{OTHER_GLOBAL}/members"
    assert len(played.everything(path, TSO, day=DATE)) == 2
    assert played.everything(path, TSO, day="2026-06-17") == []
