"""The simulated device's bytes are those of docs/formats, as the vectors have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgui_sim import cbor
from pgui_sim.keystore import DeviceKey
from pgui_sim.setpoint import PlatformKeys, SetpointRejected
from pgui_sim.statement import Execution, Outcome, Reading, certify

FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS = json.loads((FOLDER / "statements.json").read_text())
SETPOINTS = json.loads((FOLDER / "setpoints.json").read_text())
KEYS = json.loads((FOLDER / "keys.json").read_text())
# the key of the example in docs/formats/statement.md
EXAMPLE_KEY = DeviceKey(bytes.fromhex("09392fa7fd212fa9d8d11b5a7cad7adbf26431ff4aa04b359b79145d095499a8"))


def named(vectors: list[dict[str, Any]], *types: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in vectors if vector.get("type") in types]


def content_of(vector: dict[str, Any]) -> Reading | Execution:
    fields = dict(vector["fields"], pod_id=bytes.fromhex(vector["fields"]["pod_id"]))
    if vector["type"] == "reading":
        return Reading(**fields)
    fields["setpoint_id"] = bytes.fromhex(fields["setpoint_id"])
    return Execution(**{**fields, "outcome": Outcome(fields["outcome"])})


@pytest.mark.rule("MEA-1", "PGU-1")
@pytest.mark.parametrize("vector", named(VECTORS["good"], "reading", "execution"))
def test_same_content_and_key_give_the_bytes_of_the_vector(vector: dict[str, Any]) -> None:
    assert vector["kid"] == EXAMPLE_KEY.kid.hex()
    assert certify(content_of(vector), EXAMPLE_KEY).hex() == vector["statement"]


@pytest.mark.rule("SET-1")
@pytest.mark.parametrize("vector", named(VECTORS["good"], "setpoint"))
def test_a_good_setpoint_is_opened(vector: dict[str, Any]) -> None:
    platforms = PlatformKeys([bytes.fromhex(vector["public_key"])])
    fields = vector["fields"]
    opened = platforms.open(bytes.fromhex(vector["statement"]), bytes.fromhex(fields["pod_id"]))
    assert opened.id.hex() == vector["statement_id"]
    for name in ("period_start", "period_length", "sequence", "power_w", "expires_at"):
        assert getattr(opened, name) == fields[name]


@pytest.mark.rule("SET-1")
@pytest.mark.parametrize(
    "vector",
    [
        pytest.param(vector, id=f"{kind}: {vector['name']}")
        for kind, vectors in (("statement", VECTORS), ("setpoint", SETPOINTS))
        for vector in vectors["bad"]
    ],
)
def test_whatever_is_malformed_or_forged_is_no_setpoint(vector: dict[str, Any]) -> None:
    good = next(each for each in VECTORS["good"] if each["type"] == "setpoint")
    platforms = PlatformKeys([bytes.fromhex(good["public_key"]), bytes.fromhex(vector["public_key"])])
    with pytest.raises(SetpointRejected):
        platforms.open(bytes.fromhex(vector["statement"]), bytes.fromhex(good["fields"]["pod_id"]))


@pytest.mark.rule("SET-1")
@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["name"]) for vector in KEYS["bad"]])
def test_a_device_is_not_enrolled_with_what_is_no_key(vector: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        PlatformKeys([bytes.fromhex(vector["public_key"])])


@pytest.mark.rule("SET-1")
def test_a_changed_byte_or_another_pod_or_another_platform_is_rejected() -> None:
    good = next(each for each in VECTORS["good"] if each["type"] == "setpoint")
    data, pod_id = bytes.fromhex(good["statement"]), bytes.fromhex(good["fields"]["pod_id"])
    platforms = PlatformKeys([bytes.fromhex(good["public_key"])])
    for at in range(len(data)):
        changed = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        with pytest.raises(SetpointRejected):
            platforms.open(changed, pod_id)
    with pytest.raises(SetpointRejected, match="meant for the POD"):
        platforms.open(data, bytes(32))
    with pytest.raises(SetpointRejected, match="unknown key"):
        PlatformKeys([EXAMPLE_KEY.point]).open(data, pod_id)


@given(st.binary(max_size=600))
def test_the_setpoint_reader_survives_any_bytes(data: bytes) -> None:
    with pytest.raises(SetpointRejected):
        PlatformKeys([EXAMPLE_KEY.point]).open(data, bytes(32))


@given(
    st.dictionaries(
        st.integers(0, 23),
        st.integers(-(2**32), 2**32 - 1) | st.binary(max_size=300),
        max_size=12,
    )
)
def test_the_small_encoder_agrees_with_the_library(values: dict[int, int | bytes]) -> None:
    ordered = dict(sorted(values.items()))
    assert cbor.mapping(ordered) == cbor2.dumps(ordered)
