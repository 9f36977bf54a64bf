"""Wrong input.

One problem document that names rule, field, what was found and what is allowed; never a traceback.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from httpx import Response
from hypothesis import given, settings
from hypothesis import strategies as st

from api.limits import BODY_BYTES_MAX
from tests.unit.api.sandbox import (
    AUDITOR,
    BSP,
    COSE,
    DAY,
    DSO,
    LOCAL,
    PERIMETER,
    SEQUENCE,
    Sandbox,
    pod_body,
    sequence,
    signed_kw,
)

DATE = DAY.date.isoformat()
ID = "ab" * 32


def problem_of(answer: Response, status: int) -> dict[str, Any]:
    """The problem document of an answer, checked for its form (RFC 9457 and this register's fields)."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("https://")
    assert problem["title"] and problem["detail"]
    for name in ("rule", "field", "found", "allowed"):
        assert isinstance(problem[name], str) and problem[name], problem
    assert "Traceback" not in answer.text and ".py" not in answer.text
    return problem


BAD_PODS: dict[str, tuple[dict[str, object], str]] = {
    "unknown field": ({"owner": "me"}, "owner"),
    "number as text": ({"up_kw": "40"}, "up_kw"),
    "fraction": ({"up_kw": 1.5}, "up_kw"),
    "truth value": ({"up_kw": True}, "up_kw"),
    "negative": ({"down_kw": -1}, "down_kw"),
    "beyond 17 bits": ({"down_kw": 131_072}, "down_kw"),
    "unknown category": ({"category": "wind"}, "category"),
    "null": ({"voltage": None}, "voltage"),
    "position in words": ({"position": "Rome"}, "position"),
    "no technology": ({"technologies": []}, "technologies"),
    "technology is a number": ({"technologies": [1]}, "technologies.0"),
    "party too large": ({"dso": 65_536}, "dso"),
    "code is a list": ({"pod_code": ["IT"]}, "pod_code"),
}


@pytest.mark.rule("POD-1")
@pytest.mark.parametrize(("changes", "field"), BAD_PODS.values(), ids=BAD_PODS)
def test_a_malformed_pod_is_named_by_its_field(
    founded: Sandbox, changes: dict[str, object], field: str
) -> None:
    body = {"pods": [pod_body("IT001E00990001", **changes)]}
    problem = problem_of(founded.post("/v1/pods", BSP, body), 422)
    assert problem["field"] == f"body.pods.0.{field}"
    assert problem["errors"][0]["field"] == problem["field"]


@pytest.mark.rule("POD-1")
@pytest.mark.parametrize(
    "code", ["", "IT001", "IT001E0000000!", "it001e00000001", "IT001E" + "0" * 40, "123456789012345678"]
)
def test_a_malformed_pod_code_is_named(founded: Sandbox, code: str) -> None:
    problem = problem_of(founded.post("/v1/pods", BSP, {"pods": [pod_body(code)]}), 422)
    assert problem["rule"] == "POD-1"
    assert "pod_code" in problem["field"]


@pytest.mark.rule("POD-1")
def test_every_bad_row_of_a_batch_is_named_and_none_is_registered(founded: Sandbox) -> None:
    before = len(founded.everything("/v1/pods", BSP))
    good, twice = pod_body("IT001E00990002"), pod_body("IT001E00990002")
    idle = pod_body("IT001E00990003", up_kw=0, down_kw=0)
    problem = problem_of(founded.post("/v1/pods", BSP, {"pods": [good, twice, idle]}), 422)
    assert [(error["row"], error["field"]) for error in problem["errors"]] == [(1, "pod_code"), (2, "up_kw")]
    assert len(founded.everything("/v1/pods", BSP)) == before


LIGHT = {"pod_id": ID, "light": "confirmed", "up_kw": 1, "down_kw": 1, "perimeter": PERIMETER}
CELLS: list[dict[str, Any]] = [{"colour": "green"}] * DAY.hours
BASELINES = {"day": DATE, "baselines": [{"pod_id": ID, "energy_wh": [0] * 96}]}
DECLARATION = {"day": DATE, "aggregate": LOCAL, "perimeter": PERIMETER, "pods": [], "complete": True}
BINDING = {"pod_id": ID, "key_x": ID, "key_y": ID, "valid_from": 0, "valid_until": 1}
SELECTION = {
    "aggregate": LOCAL,
    "perimeter": PERIMETER,
    "kw": list(signed_kw(1, 1)),
    "chain": [1],
    "tested_aggregate": LOCAL,
    "rests_on": ID,
}

BAD_BODIES: list[tuple[int, str, object, str]] = [
    (BSP, "/v1/pods", {}, "body.pods"),
    (BSP, "/v1/pods", {"pods": []}, "body.pods"),
    (BSP, "/v1/pods", {"pods": [pod_body("IT001E00000001")] * 101}, "body.pods"),
    (BSP, "/v1/pods", [], "body"),
    (BSP, "/v1/pods", "pods", "body"),
    (BSP, "/v1/pods", None, "body"),
    (BSP, "/v1/pods/withdrawals", {"pod_ids": ["AB" * 32]}, "body.pod_ids.0"),
    (BSP, "/v1/pods/withdrawals", {"pod_ids": ["ab" * 31]}, "body.pod_ids.0"),
    (BSP, "/v1/pods/withdrawals", {"pod_ids": [ID, 5]}, "body.pod_ids.1"),
    (DSO, "/v1/pods/static-lights", {"lights": [{**LIGHT, "light": "requested"}]}, "body.lights.0.light"),
    (DSO, "/v1/pods/static-lights", {"lights": [{**LIGHT, "reason": "é"}]}, "body.lights.0.reason"),
    (DSO, "/v1/pods/static-lights", {"lights": [{**LIGHT, "reason": "x" * 33}]}, "body.lights.0.reason"),
    (DSO, "/v1/pods/static-lights", {"lights": [{**LIGHT, "perimeter": 2**40}]}, "body.lights.0.perimeter"),
    (BSP, "/v1/aggregates", {"serial": 0, "scope": "local"}, "body.serial"),
    (BSP, "/v1/aggregates", {"serial": 2**24, "scope": "local"}, "body.serial"),
    (BSP, "/v1/aggregates", {"serial": 7, "scope": "LOCAL"}, "body.scope"),
    (BSP, "/v1/qualifications", {"aggregate": LOCAL, "product": 2**32}, "body.product"),
    (DSO, "/v1/lights", {"day": "18.06.2026", "session": 1, "lights": []}, "body.day"),
    (DSO, "/v1/lights", {"day": 20_622, "session": 1, "lights": []}, "body.day"),
    (DSO, "/v1/lights", {"day": "2026-02-30", "session": 1, "lights": []}, "body.day"),
    (DSO, "/v1/lights", {"day": "9999-12-31", "session": 1, "lights": []}, "body.day"),
    (DSO, "/v1/lights", {"day": "1960-01-01", "session": 1, "lights": []}, "body.day"),
    (
        DSO,
        "/v1/lights",
        {"day": DATE, "session": 7, "lights": [{"perimeter": PERIMETER, "up": CELLS, "down": CELLS}]},
        "body.session",
    ),
    (
        DSO,
        "/v1/lights",
        {"day": DATE, "session": 1, "lights": [{"perimeter": PERIMETER, "up": CELLS[:22], "down": CELLS}]},
        "body.lights.0.up",
    ),
    (
        DSO,
        "/v1/selections",
        {"day": DATE, "session": 1, "selections": [{**SELECTION, "chain": []}]},
        "body.selections.0.chain",
    ),
    (
        DSO,
        "/v1/selections",
        {"day": DATE, "session": 1, "selections": [{**SELECTION, "kw": [131_072] * 24}]},
        "body.selections.0.kw.0",
    ),
    (BSP, "/v1/declarations", {**DECLARATION, "complete": "yes"}, "body.complete"),
    (
        BSP,
        "/v1/declarations",
        {**DECLARATION, "pods": [{"pod_id": ID, "quarters": [100]}]},
        "body.pods.0.quarters.0",
    ),
    (BSP, "/v1/baselines", {**BASELINES, "day": None}, "body.day"),
    (
        BSP,
        "/v1/baselines",
        {"day": DATE, "baselines": [{"pod_id": ID, "energy_wh": [0] * 91}]},
        "body.baselines.0.energy_wh",
    ),
    (
        BSP,
        "/v1/baselines",
        {"day": DATE, "baselines": [{"pod_id": ID, "energy_wh": [0.5] * 96}]},
        "body.baselines.0.energy_wh.0",
    ),
    (DSO, "/v1/devices", {"bindings": [{**BINDING, "key_x": "00"}]}, "body.bindings.0.key_x"),
    (DSO, "/v1/devices", {"bindings": [{**BINDING, "valid_until": -1}]}, "body.bindings.0.valid_until"),
    (AUDITOR, f"/v1/settlements/{ID}/attestations", {"confirmed": 1, "bundle_sha256": ID}, "body.confirmed"),
    (BSP, f"/v1/settlements/{ID}/disputes", {"reason": ""}, "body.reason"),
]


@pytest.mark.parametrize(("party", "path", "body", "field"), BAD_BODIES, ids=lambda value: str(value)[:60])
def test_a_malformed_body_is_named_by_its_field(
    founded: Sandbox, party: int, path: str, body: object, field: str
) -> None:
    problem = problem_of(founded.post(path, party, body), 422)
    assert problem["rule"] == "API-1"
    assert problem["field"] == field


BAD_QUERIES: list[tuple[str, str, str]] = [
    ("/v1/pods?limit=0", "API-1", "query.limit"),
    ("/v1/pods?limit=1001", "API-1", "query.limit"),
    ("/v1/pods?limit=many", "API-1", "query.limit"),
    ("/v1/pods?after=%00", "API-1", "query.after"),
    ("/v1/pods?after=" + "a" * 301, "API-1", "query.after"),
    ("/v1/pods?perimeter=99999999999999999999", "API-1", "query.perimeter"),
    ("/v1/pods?day=tomorrow", "API-1", "query.day"),
    ("/v1/pods?day=2026-06-31", "TIM-1", "day"),
    ("/v1/pods?day=1969-12-31", "TIM-1", "day"),
    ("/v1/pods?day=9999-12-31", "TIM-1", "day"),
    ("/v1/pods?as_of=yesterday", "TIM-1", "as_of"),
    ("/v1/pods?as_of=2026-06-18T10:00:00", "TIM-1", "as_of"),
    ("/v1/pods?as_of=9999-12-31T23:59:59-23:59", "TIM-1", "as_of"),
    ("/v1/pods?as_of=0001-01-01T00:00:00%2B23:59", "TIM-1", "as_of"),
    ("/v1/pods/xyz", "API-1", "path.pod_id"),
    (f"/v1/pods/{ID.upper()}", "API-1", "path.pod_id"),
    (f"/v1/pods/{ID}/history?after=x", "API-2", "pod_id"),
    (f"/v1/selections/{DATE}?session=7", "API-1", "query.session"),
    ("/v1/selections/20622", "API-1", "path.day"),
    (f"/v1/aggregates/{2**40}/members", "API-1", "path.aggregate"),
    ("/v1/products/0", "API-1", "path.product"),
    ("/v1/products?operator=70000", "API-1", "query.operator"),
    ("/v1/equivalences?holds=perhaps", "API-1", "query.holds"),
    ("/v1/statements/-1/receipt", "API-1", "path.index"),
    (f"/v1/statements/{2**63}/receipt", "API-1", "path.index"),
    ("/v1/statements/999999/receipt", "API-2", "index"),
    ("/v1/log/tile/entries/000", "API-1", "path.path"),
    ("/v1/log/tile/0/%2e%2e/entries/000", "API-1", "path.path"),
    ("/v1/log/tile/0/x000/x000/x000/000", "API-2", "tile"),
    ("/v1/log/tile/..%2f..%2fkeys%2fadmin.hex", "API-1", "path.path"),
    ("/v1/log/tile/0/000%00", "API-1", "path.path"),
    ("/v1/nothing", "API-1", "path"),
    ("/v1/pods/", "API-1", "path"),
]


@pytest.mark.parametrize(("path", "rule", "field"), BAD_QUERIES, ids=lambda value: str(value)[:50])
def test_a_malformed_path_or_query_is_named(founded: Sandbox, path: str, rule: str, field: str) -> None:
    answer = founded.client.get(path, headers=founded.headers(BSP), follow_redirects=False)
    problem = problem_of(answer, answer.status_code)
    assert answer.status_code == (404 if rule == "API-2" or field == "path" else 422)
    assert (problem["rule"], problem["field"]) == (rule, field)


@pytest.mark.rule("DTL-2")
@pytest.mark.parametrize(
    ("cell", "field"),
    [
        ({"colour": "green", "capability_kw": 5}, "capability of a green light"),
        ({"colour": "red", "capability_kw": 5}, "capability of a red light"),
        ({"colour": "yellow"}, "capability of a yellow light"),
        ({"colour": "red", "reactive": True}, "reactive"),
    ],
)
def test_a_light_that_contradicts_itself_is_refused(
    founded: Sandbox, cell: dict[str, Any], field: str
) -> None:
    up = [cell, *CELLS[1:]]
    body = {"day": DATE, "session": 1, "lights": [{"perimeter": PERIMETER, "up": up, "down": CELLS}]}
    problem = problem_of(founded.post("/v1/lights", DSO, body), 422)
    assert (problem["rule"], problem["field"]) == ("DTL-2", field)


@pytest.mark.rule("SES-4")
def test_a_selection_has_one_value_per_hour_of_the_day(founded: Sandbox) -> None:
    for hours in (23, 25):
        body = {"day": DATE, "session": 1, "selections": [{**SELECTION, "kw": [0] * hours}]}
        problem = problem_of(founded.post("/v1/selections", DSO, body), 422)
        assert problem["found"].startswith(str(hours))


@pytest.mark.rule("BAS-1")
def test_a_pod_files_once_in_a_request(founded: Sandbox) -> None:
    item = {"pod_id": founded.pods[0].hex, "energy_wh": [0] * 96}
    problem = problem_of(founded.post("/v1/baselines", BSP, {"day": DATE, "baselines": [item, item]}), 422)
    assert (problem["rule"], problem["found"]) == ("BAS-1", "a POD twice")


# --------------------------------------------------------------------------------------- bodies as bytes


def raw(sandbox: Sandbox, path: str, data: Any, headers: dict[str, str], party: int | None = BSP) -> Response:
    return sandbox.client.post(path, content=data, headers={**sandbox.headers(party), **headers})


JSON = {"Content-Type": "application/json"}
BAD_JSON = [
    b"{",
    b'{"pods":',
    b"\xff\xfe",
    b"[" * 200_000,
    b'{"a":' * 100_000,
    b"1" * 5_000,
    b'"\xed\xa0\x80"',
    b"NaN",
    b"\0",
    '["\u2200",'.encode("utf-16-le") + b"[\0" * 90_000,
    '["\u2200",'.encode("utf-32-be") + b"\0\0\0[" * 90_000,
]


@pytest.mark.parametrize("data", BAD_JSON, ids=lambda data: repr(data[:12]))
def test_what_is_no_json_is_a_problem(founded: Sandbox, data: bytes) -> None:
    answer = raw(founded, "/v1/pods", data, JSON)
    assert answer.status_code in (400, 422)
    assert problem_of(answer, answer.status_code)["rule"] == "API-1"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize(
    "media_type", ["application/json", "application/json; charset=utf-16", "application/any+json"]
)
def test_json_is_utf_8(founded: Sandbox, encoding: str, media_type: str) -> None:
    data = json.dumps({"pods": [pod_body("IT001E00990009")]}).encode(encoding)
    problem = problem_of(raw(founded, "/v1/pods", data, {"Content-Type": media_type}), 422)
    assert (problem["rule"], problem["field"]) == ("API-1", "body")
    assert problem["allowed"] == "JSON in UTF-8 without a byte order mark"


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/cbor", "multipart/form-data", "json", "application/"]
)
def test_another_content_type_is_a_problem(founded: Sandbox, media_type: str) -> None:
    body = json.dumps({"pods": [pod_body("IT001E00990009")]})
    assert problem_of(raw(founded, "/v1/pods", body, {"Content-Type": media_type}), 422)["rule"] == "API-1"
    for path in ("/v1/statements", "/v1/statements/batch"):
        problem = problem_of(raw(founded, path, b"\x80", {"Content-Type": media_type}, None), 422)
        assert problem["field"] == "content-type"


@pytest.mark.rule("MEA-2")
@pytest.mark.parametrize("key", [None, "one-key"])
@pytest.mark.parametrize("path", ["/v1/pods", "/v1/statements", "/v1/nothing"])
def test_no_body_is_read_beyond_the_limit(founded: Sandbox, path: str, key: str | None) -> None:
    """Told by its length it is refused unread; sent in chunks, as soon as it is too long."""
    headers = JSON | ({"Idempotency-Key": key} if key else {})
    told = raw(founded, path, b" " * (BODY_BYTES_MAX + 1), headers)
    assert problem_of(told, 413)["field"] == "body"
    read = 0

    def chunks() -> Any:
        nonlocal read
        for _ in range(64):
            read += 1
            yield b" " * (BODY_BYTES_MAX // 16)

    assert (
        problem_of(raw(founded, path, chunks(), headers), 413)["allowed"] == f"at most {BODY_BYTES_MAX} bytes"
    )


def test_the_length_that_is_told_is_not_believed(founded: Sandbox) -> None:
    for length in ("9" * 40, "-1", "x"):
        answer = raw(founded, "/v1/pods", b"{}", {**JSON, "Content-Length": length})
        assert answer.status_code in (413, 422)


@pytest.mark.rule("MEA-1")
def test_a_statement_is_short(founded: Sandbox) -> None:
    assert problem_of(raw(founded, "/v1/statements", b"\x80" * 4097, COSE, None), 413)["field"] == "body"
    assert problem_of(raw(founded, "/v1/statements", b"\x80" * 600, COSE, None), 422)["rule"] == "MEA-1"


BAD_CBOR = [
    b"",
    b"\xd2",
    b"\xd2\x84",
    b"\xd2\x84\x40",
    b"\xff",
    b"\x9f" * 100,
    b"\xc0\x41\x00",
    b"\x80",
    b"\xf6",
    b"\x5b" + b"\xff" * 8,
]


@pytest.mark.rule("MEA-1")
@pytest.mark.parametrize("data", BAD_CBOR, ids=lambda data: data[:8].hex() or "empty")
def test_what_is_no_statement_is_a_problem(founded: Sandbox, data: bytes) -> None:
    assert problem_of(raw(founded, "/v1/statements", data, COSE, None), 422)["rule"] == "MEA-1"


@pytest.mark.rule("MEA-1")
@settings(max_examples=40, deadline=None)
@given(
    items=st.lists(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**64), 2**64 - 1)
            | st.binary(max_size=40)
            | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(), inner, max_size=3),
            max_leaves=6,
        ),
        max_size=6,
    )
)
def test_every_item_of_a_sequence_has_its_own_refusal(founded: Sandbox, items: list[object]) -> None:
    answer = raw(founded, "/v1/statements/batch", sequence(*items), SEQUENCE, None)
    if answer.status_code != 200:
        problem_of(answer, 422)
        return
    answers = answer.json()["answers"]
    assert len(answers) == len(items)
    for entry in answers:
        assert entry["status"] == "refused"
        assert entry["rule"] == "MEA-1" and entry["field"] and entry["found"] and entry["allowed"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_another_method_is_a_problem(founded: Sandbox, method: str) -> None:
    problem = problem_of(founded.client.request(method, "/v1/pods", headers=founded.headers(BSP)), 405)
    assert (problem["field"], problem["found"]) == ("method", method)


def test_a_defect_is_a_problem_without_its_traceback(
    founded: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("secret_internal_name")

    monkeypatch.setattr(founded.node.mirror, "statistics", broken)
    answer = founded.get("/v1/statistics")
    problem = problem_of(answer, 500)
    assert problem["rule"] == "API-4"
    assert "secret_internal_name" not in answer.text


def test_a_token_is_short(founded: Sandbox) -> None:
    long = "eyJ" + "A" * 4_100
    answer = founded.get("/v1/aggregates", headers={"Authorization": f"Bearer {long}.{long}.x"})
    assert problem_of(answer, 401)["rule"] == "ACT-1"
