"""Requests made from the OpenAPI schema, right and wrong.

No 5xx, and every answer has the form that the schema says.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.unit.api.sandbox import ACCESS_NODE, AUDITOR, BSP, DSO, TSO, Sandbox
from tests.unit.api.test_api_roles import ROUTES, RouteCase

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ROLE_OF_PATH = {
    "/v1/log/detachment": ACCESS_NODE,
    "/v1/lights": DSO,
    "/v1/devices": DSO,
    "/v1/devices/endings": DSO,
    "/v1/gaps": DSO,
    "/v1/pods/static-lights": DSO,
    "/v1/pods/handovers": DSO,
    "/v1/pods/moves": DSO,
    "/v1/conflicts": DSO,
    "/v1/merit/{day}": DSO,
    "/v1/selections": TSO,
    "/v1/settlements/{statement_id}/attestations": AUDITOR,
}
EXAMPLES = 5
BINARY_PATHS = {"/v1/statements", "/v1/statements/batch", "/v1/witness/add-checkpoint"}
DEVICE_PATHS = {"/v1/pods/{pod_id}/setpoints", "/v1/pods/{pod_id}/setpoints/stream"}


def _has_input(operation: Any) -> bool:
    return bool(operation.body or operation.query or operation.path_parameters)


@schemathesis.serializer("application/cose", "application/cbor-seq")
def as_bytes(_: object, value: Any) -> bytes:
    """Bodies that are no JSON go out as the bytes that were made for them."""
    data = getattr(value, "data", value)
    return data if isinstance(data, bytes) else str(data).encode()


@pytest.fixture(scope="module")
def api_schema(founded: Sandbox) -> Any:
    """The schema of the running application."""
    return schemathesis.openapi.from_asgi("/openapi.json", founded.client.app)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_answers_are_as_the_schema_says(
    founded: Sandbox, api_schema: Any, route: RouteCase, mode: GenerationMode
) -> None:
    operation = api_schema[route.path][route.method]
    if mode is GenerationMode.NEGATIVE and (route.path in BINARY_PATHS or not _has_input(operation)):
        return  # nothing in it can be wrong
    token = (
        founded.device_token(0)
        if route.path in DEVICE_PATHS
        else founded.token(ROLE_OF_PATH.get(route.path, BSP))
    )

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: schemathesis.Case) -> None:
        if route.path in DEVICE_PATHS and isinstance(case.query, dict) and "wait" in case.query:
            case.query["wait"] = 0
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    asked()
