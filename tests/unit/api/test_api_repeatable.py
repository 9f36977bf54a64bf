"""`Idempotency-Key`: a write can be repeated without being done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.mirror.answers import SqlAnswers
from registry.ports import DiskFull, KeptAnswer
from tests.unit.api.sandbox import BSP, COSE, DAY, OTHER_BSP, Sandbox, pod_body

BODY = {"pods": [pod_body("IT001E00770001")]}


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def test_the_same_request_gets_the_same_answer_and_writes_once(founded: Sandbox) -> None:
    first = founded.post("/v1/pods", BSP, BODY, headers=keyed("once"))
    assert first.status_code == 201 and "idempotency-replayed" not in first.headers
    head = founded.node.ledger.head()
    again = founded.post("/v1/pods", BSP, BODY, headers=keyed("once"))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert founded.node.ledger.head() == head


def test_without_a_key_the_ledger_decides(founded: Sandbox) -> None:
    body = {"pods": [pod_body("IT001E00770009")]}
    assert founded.post("/v1/pods", BSP, body).status_code == 201
    assert founded.post("/v1/pods", BSP, body).status_code == 422


def test_a_key_belongs_to_one_request(founded: Sandbox) -> None:
    body = {"serial": 70, "scope": "local"}
    assert founded.post("/v1/aggregates", BSP, body, headers=keyed("mine")).status_code == 201
    for path, other in (("/v1/aggregates", {**body, "serial": 71}), ("/v1/qualifications", body)):
        refused = founded.post(path, BSP, other, headers=keyed("mine"))
        assert (refused.status_code, refused.json()["rule"]) == (422, "API-3")
        assert refused.json()["field"] == "Idempotency-Key"


def test_a_key_belongs_to_its_caller(founded: Sandbox) -> None:
    body = {"serial": 72, "scope": "local"}
    first = founded.post("/v1/aggregates", BSP, body, headers=keyed("common"))
    second = founded.post("/v1/aggregates", OTHER_BSP, body, headers=keyed("common"))
    assert first.status_code == second.status_code == 201
    assert first.json()["transaction"] != second.json()["transaction"]
    without = founded.post("/v1/aggregates", None, body, headers=keyed("common"))
    assert without.status_code == 401


def test_a_refused_write_gives_its_key_back(founded: Sandbox) -> None:
    wrong = {"serial": 0, "scope": "local"}
    right = {"serial": 73, "scope": "local"}
    assert founded.post("/v1/aggregates", BSP, wrong, headers=keyed("again")).status_code == 422
    assert founded.post("/v1/aggregates", BSP, right, headers=keyed("again")).status_code == 201
    taken = founded.post("/v1/aggregates", BSP, right, headers=keyed("third"))
    assert taken.status_code in (409, 422)
    assert (
        founded.post("/v1/aggregates", BSP, {**right, "serial": 74}, headers=keyed("third")).status_code
        == 201
    )


def test_a_write_whose_end_is_unknown_keeps_its_key(
    founded: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"serial": 75, "scope": "local"}

    def full() -> None:
        raise DiskFull(found="no space", expected="space", remedy="free some")

    with monkeypatch.context() as patch:
        patch.setattr(founded.node.mirror, "catch_up", full)  # the ledger took it, the mirror did not
        lost = founded.post("/v1/aggregates", BSP, body, headers=keyed("lost"))
    assert (lost.status_code, lost.json()["rule"]) == (503, "API-4")
    assert "no space" not in lost.text
    assert lost.headers["retry-after"]
    pending = founded.post("/v1/aggregates", BSP, body, headers=keyed("lost"))
    assert (pending.status_code, pending.json()["rule"]) == (409, "API-3")


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there", "é"])
def test_a_malformed_key_is_named(founded: Sandbox, key: str) -> None:
    headers = {**founded.headers(BSP), "Idempotency-Key": key.encode("latin-1")}
    refused = founded.client.post("/v1/aggregates", json={"serial": 76, "scope": "local"}, headers=headers)  # type: ignore[arg-type]
    assert (refused.status_code, refused.json()["rule"]) == (422, "API-3")


@pytest.mark.rule("MEA-2")
def test_a_statement_can_carry_a_key(founded: Sandbox) -> None:
    founded.clock.set(max(founded.clock.now(), DAY.ends_at))
    data = founded.reading(0, 3, 1)
    first = founded.client.post("/v1/statements", content=data, headers={**COSE, **keyed("reading")})
    assert first.status_code == 201
    replayed = founded.client.post("/v1/statements", content=data, headers={**COSE, **keyed("reading")})
    assert (replayed.status_code, replayed.content) == (201, first.content)
    plain = founded.client.post("/v1/statements", content=data, headers=COSE)
    assert (plain.status_code, plain.json()["receipt"]) == (200, first.json()["receipt"])


def test_answers_survive_a_restart(tmp_path: Path) -> None:
    sandbox = Sandbox.founded(tmp_path / "state")
    body = {"serial": 80, "scope": "global"}
    first = sandbox.post("/v1/aggregates", BSP, body, headers=keyed("kept"))
    assert sandbox.node.answers.begin("bsp:21:", "cut off", b"f") is None
    now = sandbox.clock.now()
    sandbox.close()
    again = Sandbox.open(tmp_path / "state", now)
    try:
        answer = again.post("/v1/aggregates", BSP, body, headers=keyed("kept"))
        assert (answer.status_code, answer.content) == (201, first.content)
        assert again.node.answers.begin("bsp:21:", "cut off", b"f") == KeptAnswer(b"f", None, b"")
        again.node.mirror.drop()
        again.node.mirror.catch_up()
        assert again.post("/v1/aggregates", BSP, body, headers=keyed("kept")).content == first.content
    finally:
        again.close()


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_of_two_claims_one_is_first(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    """Two stores on one database, as two processes have them."""
    sqlite = engine == "sqlite"
    url = f"sqlite:///{tmp_path / 'vault.sqlite'}" if sqlite else request.getfixturevalue("postgres_url")
    one, two = SqlAnswers(url), SqlAnswers(url)
    assert one.begin("a", "k", b"1") is None
    assert two.begin("a", "k", b"2") == KeptAnswer(b"1", None, b"")
    one.finish("a", "k", 201, b"{}")
    assert two.begin("a", "k", b"1") == KeptAnswer(b"1", 201, b"{}")
    assert two.begin("b", "k", b"1") is None
    two.forget("b", "k")
    assert one.begin("b", "k", b"3") is None
    one.close()
    two.close()
