"""Every route, and each kind of caller that may not use it (SPEC section 1, ACT-1)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

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
    PERIMETER,
    TSO,
    Sandbox,
    pod_body,
    signed_kw,
)

pytestmark = pytest.mark.rule("ACT-1")
ANYONE = None
EVERYBODY = {ANYONE, TSO, DSO, BSP, ACCESS_NODE, AUDITOR, "pgui"}
ALL_KNOWN = EVERYBODY - {ANYONE}
PARTICIPANTS = {TSO, DSO, BSP, AUDITOR}
ID = "ab" * 32
DATE = DAY.date.isoformat()
CELLS = [{"colour": "green"}] * DAY.hours


@dataclass(frozen=True)
class RouteCase:
    """A route, who may use it, and a body and a query of the right form where they are needed."""

    method: str
    path: str
    allowed: frozenset[object]
    body: object = None
    query: dict[str, str] = field(default_factory=dict)


def case(
    method: str, path: str, allowed: set[object], body: object = None, query: dict[str, str] | None = None
) -> RouteCase:
    return RouteCase(method, path, frozenset(allowed), body, query or {})


SELECTION = {
    "aggregate": LOCAL,
    "perimeter": PERIMETER,
    "kw": list(signed_kw(1, 1)),
    "chain": [CONGESTION],
    "tested_aggregate": LOCAL,
    "rests_on": ID,
}

OFFERS = {
    "day": DATE,
    "market": "lfp",
    "session": 1,
    "offers": [
        {
            "product": CONGESTION,
            "aggregate": LOCAL,
            "perimeter": PERIMETER,
            "kw": list(signed_kw(1, 1)),
            "use_price_milli_eur_per_mwh": 1,
        }
    ],
}
AGREEMENT = {
    "product": CONGESTION,
    "aggregate": LOCAL,
    "perimeter": PERIMETER,
    "direction": "up",
    "from_day": DATE,
    "until_day": DATE,
    "available_kw": 1,
    "availability_price_milli_eur_per_mwh": 1,
    "use_price_milli_eur_per_mwh": 1,
}
MERIT = {
    "session": "1",
    "perimeter": str(PERIMETER),
    "product": str(CONGESTION),
    "hour": "1",
    "direction": "up",
    "need_kw": "1",
}

CHANGE = {
    "codes": [{"name": "Measurements", "implementation": "0x" + "11" * 20}],
    "document_hash": ID,
    "not_before": 1,
}

ROUTES = [
    case("GET", "/v1/contracts", EVERYBODY),
    case("GET", "/v1/contracts/changes", EVERYBODY),
    case("GET", "/v1/contracts/changes/{change}", EVERYBODY),
    case("POST", "/v1/contracts/changes", {TSO, DSO}, CHANGE),
    case("POST", "/v1/contracts/changes/{change}/consents", {TSO, DSO}),
    case("POST", "/v1/contracts/changes/{change}/withdrawal", {TSO, DSO}),
    case("POST", "/v1/contracts/changes/{change}/execution", {TSO, DSO}),
    case("GET", "/v1/parties", EVERYBODY),
    case("GET", "/v1/products", EVERYBODY),
    case("GET", "/v1/products/{product}", EVERYBODY),
    case("GET", "/v1/equivalences", EVERYBODY),
    case("GET", "/v1/days/{day}", EVERYBODY),
    case("GET", "/v1/statistics", EVERYBODY),
    case("GET", "/v1/log/checkpoint", EVERYBODY),
    case("GET", "/v1/log/checkpoint.cosigned", EVERYBODY),
    case("GET", "/v1/log/cosigned/{size}", EVERYBODY),
    case("GET", "/v1/log/tile/{path}", EVERYBODY),
    case("GET", "/v1/log/detachment", {ACCESS_NODE}),
    case("POST", "/v1/log/detachment", {ACCESS_NODE}, {"month": DATE[:7]}),
    case("GET", "/v1/witness", EVERYBODY),
    case("POST", "/v1/witness/add-checkpoint", EVERYBODY),
    case("GET", "/v1/time", EVERYBODY),
    case("GET", "/health/live", EVERYBODY),
    case("GET", "/health/ready", EVERYBODY),
    case("GET", "/metrics", EVERYBODY),
    case("GET", "/v1/statements/{index}/receipt", EVERYBODY),
    case("POST", "/v1/statements", EVERYBODY),
    case("POST", "/v1/statements/batch", EVERYBODY),
    case("GET", "/v1/pods", {BSP, DSO, AUDITOR}),
    case("GET", "/v1/pods/{pod_id}", ALL_KNOWN),
    case("GET", "/v1/pods/{pod_id}/history", ALL_KNOWN),
    case("GET", "/v1/pods/{pod_id}/code", {BSP, DSO}),
    case("GET", "/v1/pods/{pod_id}/setpoints", {"pgui"}),
    case("GET", "/v1/pods/{pod_id}/setpoints/stream", {"pgui"}),
    case("GET", "/v1/pods/{pod_id}/readings", {BSP, DSO, AUDITOR}, query={"day": DATE}),
    case("POST", "/v1/pods", {BSP}, {"pods": [pod_body("IT001E00000001")]}),
    case("POST", "/v1/pods/withdrawals", {BSP}, {"pod_ids": [ID]}),
    case("GET", "/v1/pods/claims", {BSP, DSO, AUDITOR}),
    case("POST", "/v1/pods/claims", {BSP}, {"claims": [{"pod_code": "IT001E00000001", "mandate": "M 1"}]}),
    case("POST", "/v1/pods/claims/drops", {BSP}, {"pod_ids": [ID]}),
    case("POST", "/v1/pods/moves", {DSO}, {"perimeter": PERIMETER, "pod_ids": [ID]}),
    case("GET", "/v1/delegations", {BSP}),
    case("POST", "/v1/delegations", {BSP}, {"agent": TSO, "valid_until": 2_000_000_000}),
    case("POST", "/v1/delegations/ends", {BSP}, {"agent": TSO}),
    case("POST", "/v1/pods/handovers", {DSO}, {"handovers": [{"pod_id": ID, "bsp": BSP}]}),
    case(
        "GET",
        "/v1/pods/{pod_id}/responsible",
        {BSP, DSO, AUDITOR},
        query={"at": "2026-06-18T10:00:00Z"},
    ),
    case(
        "POST",
        "/v1/pods/static-lights",
        {DSO},
        {"lights": [{"pod_id": ID, "light": "confirmed", "up_kw": 1, "down_kw": 1, "perimeter": PERIMETER}]},
    ),
    case("GET", "/v1/aggregates", PARTICIPANTS),
    case("POST", "/v1/aggregates", {BSP}, {"serial": 1, "scope": "local"}),
    case("GET", "/v1/aggregates/{aggregate}/members", ALL_KNOWN),
    case("POST", "/v1/aggregates/{aggregate}/members", {BSP}, {"pod_ids": [ID]}),
    case("POST", "/v1/aggregates/{aggregate}/departures", {BSP}, {"pod_ids": [ID]}),
    case("GET", "/v1/aggregates/{aggregate}/qualifications/{product}", ALL_KNOWN),
    case("GET", "/v1/qualifications", PARTICIPANTS),
    case("POST", "/v1/qualifications", {BSP}, {"aggregate": GLOBAL, "product": BALANCING + 50}),
    case("GET", "/v1/perimeters", PARTICIPANTS),
    case("GET", "/v1/lights/{day}", PARTICIPANTS),
    case(
        "POST",
        "/v1/lights",
        {DSO},
        {"day": DATE, "session": 1, "lights": [{"perimeter": PERIMETER, "up": CELLS, "down": CELLS}]},
    ),
    case("GET", "/v1/offers/{day}", PARTICIPANTS),
    case("GET", "/v1/openings/{day}", PARTICIPANTS),
    case("POST", "/v1/offers", {BSP}, OFFERS),
    case("POST", "/v1/openings", {BSP, DSO}, {"openings": [{"salt": ID, "payload": {}}]}),
    case("GET", "/v1/merit/{day}", {DSO}, query=MERIT),
    case("GET", "/v1/agreements", {BSP, DSO, AUDITOR}),
    case("POST", "/v1/agreements", {BSP, DSO}, AGREEMENT),
    case("GET", "/v1/agreements/{commitment}", ALL_KNOWN),
    case("GET", "/v1/agreements/{commitment}/terms", ALL_KNOWN),
    case("POST", "/v1/agreements/{commitment}/acceptance", {BSP, DSO}),
    case("GET", "/v1/selections/{day}", PARTICIPANTS),
    case("POST", "/v1/selections", {DSO, TSO}, {"day": DATE, "session": 1, "selections": [SELECTION]}),
    case("GET", "/v1/declarations/{day}", PARTICIPANTS),
    case(
        "POST",
        "/v1/declarations",
        {BSP},
        {"day": DATE, "aggregate": LOCAL, "perimeter": PERIMETER, "pods": [], "complete": True},
    ),
    case("GET", "/v1/baselines/{day}", {BSP, AUDITOR}),
    case("POST", "/v1/baselines", {BSP}, {"day": DATE, "baselines": [{"pod_id": ID, "energy_wh": [0] * 96}]}),
    case("GET", "/v1/conflicts", {DSO, AUDITOR}),
    case("GET", "/v1/gaps", {DSO, AUDITOR}),
    case("GET", "/v1/devices", {BSP, DSO, AUDITOR}, query={"pod_id": ID}),
    case(
        "POST",
        "/v1/devices/endings",
        {DSO},
        {"endings": [{"pod_id": ID, "valid_until": 1}], "reason": "LOST"},
    ),
    case(
        "POST",
        "/v1/devices",
        {DSO},
        {"bindings": [{"pod_id": ID, "key_x": ID, "key_y": ID, "valid_from": 0, "valid_until": 1}]},
    ),
    case("GET", "/v1/settlements", PARTICIPANTS),
    case("GET", "/v1/settlements/{statement_id}", ALL_KNOWN),
    case("GET", "/v1/settlements/{statement_id}/document", ALL_KNOWN),
    case("GET", "/v1/settlements/{statement_id}/evidence", ALL_KNOWN),
    case("POST", "/v1/settlements/{statement_id}/disputes", {BSP}, {"reason": "wrong"}),
    case(
        "POST",
        "/v1/settlements/{statement_id}/attestations",
        {AUDITOR},
        {"confirmed": True, "bundle_sha256": ID},
    ),
]
FILLED = {
    "{pod_id}": ID,
    "{statement_id}": ID,
    "{commitment}": ID,
    "{aggregate}": str(LOCAL),
    "{product}": str(CONGESTION),
    "{day}": DATE,
    "{index}": "0",
    "{path}": "0/000",
    "{size}": "8",
}


def test_every_route_is_in_the_table(played: Sandbox) -> None:
    paths = played.get("/openapi.json").json()["paths"]
    served = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert served == {(route.method, route.path) for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_who_may_not_is_told_so_before_anything_else(played: Sandbox, route: RouteCase) -> None:
    path = route.path
    for name, value in FILLED.items():
        path = path.replace(name, value)
    for caller in sorted(EVERYBODY, key=str):
        token = (
            None if caller is ANYONE else played.device_token(0) if caller == "pgui" else played.token(caller)
        )  # type: ignore[arg-type]
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = played.client.request(
            route.method, path, json=route.body, params=route.query, headers=headers
        )
        refused = {401: "no token", 403: "role"}.get(answer.status_code)
        expected = None if caller in route.allowed else "no token" if caller is ANYONE else "role"
        if refused == "role" and answer.json()["field"] != "authorization":
            refused = None  # the route took the caller and the ledger refused the content
        assert refused == expected, f"{caller}: {answer.status_code} {answer.text}"
        if refused:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["rule"] == "ACT-1"
