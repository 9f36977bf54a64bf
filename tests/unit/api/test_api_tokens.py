"""Who is asking: tokens of participants and of devices, and everything that is none (ACT-1)."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from registry.domain.calendar import unix
from registry.domain.commands import EndDevices
from registry.domain.identifiers import bytes32_text
from registry.services.identity import Principal, Role
from tests.unit.api.sandbox import AUDITOR, BSP, DSO, OTHER_BSP, Sandbox

pytestmark = pytest.mark.rule("ACT-1")
LISTED = "/v1/aggregates"


def claims(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    now = unix(sandbox.clock.now())
    base = {"iss": "flexledger-local", "aud": "flexledger", "sub": "party:21", "party": BSP, "kind": "bsp"}
    return {
        key: value
        for key, value in {**base, "iat": now, "exp": now + 60, **changes}.items()
        if value is not None
    }


def signed(sandbox: Sandbox, **changes: Any) -> str:
    assert sandbox.node.issuer is not None
    return jwt.encode(claims(sandbox, **changes), sandbox.node.issuer.key, algorithm="ES256")


def ask(sandbox: Sandbox, token: str) -> Any:
    return sandbox.get(LISTED, headers={"Authorization": f"Bearer {token}"})


def test_a_good_token_is_the_party_it_names(played: Sandbox) -> None:
    for party in (BSP, OTHER_BSP):
        items = played.everything(LISTED, party)
        assert items and all(item["bsp"] == party for item in items)


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": 1},
    "expires now": {"exp": "now"},
    "without expiry": {"exp": None},
    "expiry is text": {"exp": "tomorrow"},
    "expiry is a fraction": {"exp": 1e12 + 0.5},
    "expiry is beyond numbers": {"exp": 10**30},
    "from the future": {"iat": 2**40},
    "not yet": {"nbf": 2**40},
    "for another audience": {"aud": "other"},
    "without audience": {"aud": None},
    "without party": {"party": None},
    "party is text": {"party": "21"},
    "party is a list": {"party": [21]},
    "party is nobody": {"party": 999},
    "party is negative": {"party": -1},
    "without kind": {"kind": None},
    "kind is another": {"kind": "auditor"},
    "kind is a device": {"kind": "pgui"},
    "kind is unknown": {"kind": "king"},
    "kind is a list": {"kind": ["bsp"]},
    "of another issuer": {"iss": "elsewhere"},
}


@pytest.mark.parametrize("changes", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
def test_a_token_with_a_bad_claim_is_refused(played: Sandbox, changes: dict[str, Any]) -> None:
    changes = {name: unix(played.clock.now()) if value == "now" else value for name, value in changes.items()}
    answer = ask(played, signed(played, **changes))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    problem = answer.json()
    assert (problem["rule"], problem["field"]) == ("ACT-1", "authorization")
    assert problem["found"] and problem["allowed"]


def test_a_token_by_another_key_is_refused(played: Sandbox) -> None:
    forged = jwt.encode(claims(played), ec.generate_private_key(ec.SECP256R1()), algorithm="ES256")
    assert ask(played, forged).status_code == 401


def test_a_token_without_signature_is_refused(played: Sandbox) -> None:
    none = jwt.encode(claims(played), "", algorithm="none")
    assert ask(played, none).status_code == 401
    head, body, _ = signed(played).split(".")
    assert ask(played, f"{head}.{body}.").status_code == 401


def test_the_public_key_is_no_shared_secret(played: Sandbox) -> None:
    secret = "known to everyone, because the public key is public"
    assert ask(played, jwt.encode(claims(played), secret, algorithm="HS256")).status_code == 401


def test_a_changed_claim_breaks_the_signature(played: Sandbox) -> None:
    head, body, signature = signed(played).split(".")
    payload = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    payload["party"] = OTHER_BSP
    forged = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    assert ask(played, f"{head}.{forged}.{signature}").status_code == 401


@pytest.mark.parametrize(
    "text", ["x", "a.b.c", "....", "é", "eyJ9.e30.", "e30.e30.e30", "bnVsbA.bnVsbA.bnVsbA"]
)
def test_what_is_no_token_is_refused(played: Sandbox, text: str) -> None:
    answer = played.client.get(LISTED, headers={"Authorization": f"Bearer {text}".encode()})
    assert answer.status_code == 401
    assert answer.json()["rule"] == "ACT-1"


def test_another_scheme_is_no_token(played: Sandbox) -> None:
    assert (
        played.get(LISTED, headers={"Authorization": "Basic dXNlcjpwYXNz"}).json()["found"]
        == "no bearer token"
    )


def test_no_token_is_issued_for_what_needs_none(played: Sandbox) -> None:
    assert played.node.issuer is not None
    with pytest.raises(ValueError, match="pgui"):
        played.node.issuer.issue(Principal(Role.PGUI), played.clock.now())


# ------------------------------------------------------------------------------------------------- devices


def fetch(sandbox: Sandbox, token: str, pod: int = 0) -> Any:
    path = f"/v1/pods/{sandbox.pods[pod].hex}/setpoints"
    return sandbox.get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.rule("SET-1")
def test_a_device_signs_its_own_token(founded: Sandbox) -> None:
    answer = fetch(founded, founded.device_token(0))
    assert answer.status_code == 200
    assert answer.json() == {"setpoints": []}


@pytest.mark.rule("SET-1")
def test_a_device_fetches_for_its_own_pod_only(founded: Sandbox) -> None:
    hidden = fetch(founded, founded.device_token(0), pod=4)
    path = f"/v1/pods/{'ab' * 32}/setpoints"
    missing = founded.get(path, headers={"Authorization": f"Bearer {founded.device_token(0)}"})
    assert hidden.status_code == missing.status_code == 404
    assert {**hidden.json(), "found": "", "detail": ""} == {**missing.json(), "found": "", "detail": ""}


BAD_DEVICE_CLAIMS: dict[str, dict[str, Any]] = {
    "lives too long": {"exp": "in 301 s"},
    "expired": {"iat": 0, "exp": 300},
    "of another POD": {"sub": "ab" * 32},
    "for another audience": {"aud": "other"},
    "without subject": {"sub": None},
    "subject is a number": {"sub": 7},
    "without time": {"iat": None},
    "time is text": {"iat": "now"},
}


@pytest.mark.parametrize("changes", BAD_DEVICE_CLAIMS.values(), ids=BAD_DEVICE_CLAIMS)
def test_a_device_token_with_a_bad_claim_is_refused(founded: Sandbox, changes: dict[str, Any]) -> None:
    late = unix(founded.clock.now()) + 301
    changed = {name: late if value == "in 301 s" else value for name, value in changes.items()}
    key = founded.devices[0]
    now = unix(founded.clock.now())
    base = {"sub": founded.pods[0].hex, "aud": "flexledger", "iat": now, "exp": now + 300, **changed}
    body = {name: value for name, value in base.items() if value is not None}
    kid = jwt.get_unverified_header(founded.device_token(0))["kid"]
    answer = fetch(founded, jwt.encode(body, key, algorithm="ES256", headers={"kid": kid}))
    assert (answer.status_code, answer.json()["rule"]) == (401, "ACT-1")


def test_a_key_that_no_dso_bound_opens_nothing(founded: Sandbox) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert fetch(founded, founded.device_token(0, stranger)).status_code == 401


def test_a_key_id_that_is_none_opens_nothing(founded: Sandbox) -> None:
    for kid in ("", "zz", "ab", "ab" * 32, "é"):
        token = jwt.encode(
            {"sub": founded.pods[0].hex}, founded.devices[0], algorithm="ES256", headers={"kid": kid}
        )
        assert fetch(founded, token).status_code == 401


@pytest.mark.rule("DEV-1")
def test_a_revoked_key_opens_nothing_from_then_on(founded: Sandbox) -> None:
    assert fetch(founded, founded.device_token(4), pod=4).status_code == 200
    founded.clock.set(founded.clock.now() + timedelta(seconds=30))
    now = unix(founded.clock.now())
    command = EndDevices(DSO, (founded.pods[4].pod_id,), (now,), bytes32_text("STOLEN"))
    founded.record(command, DSO)
    refused = fetch(founded, founded.device_token(4), pod=4)
    assert refused.status_code == 401
    assert "not bound" in refused.json()["found"]


def test_a_participant_is_no_device_and_the_other_way_round(founded: Sandbox) -> None:
    path = f"/v1/pods/{founded.pods[0].hex}/setpoints"
    assert founded.get(path, DSO).status_code == 403
    assert founded.get(path, AUDITOR).status_code == 403
    device = {"Authorization": f"Bearer {founded.device_token(0)}"}
    assert founded.get("/v1/pods", headers=device).status_code == 403
