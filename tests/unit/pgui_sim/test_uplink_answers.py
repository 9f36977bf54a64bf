"""Whatever an access node answers, a device says what was wrong with it and goes on (PGU-1)."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from pgui_sim.keystore import DeviceKey
from pgui_sim.uplink import Uplink, UplinkRefused

KEY = DeviceKey(bytes.fromhex("09392fa7fd212fa9d8d11b5a7cad7adbf26431ff4aa04b359b79145d095499a8"))
ASKED: list[Callable[[Uplink], object]] = [
    lambda uplink: uplink.time(),
    lambda uplink: uplink.submit([b"\x80"]),
    lambda uplink: uplink.setpoints(bytes(32), KEY, 0, 0),
]


def answering(body: bytes) -> Uplink:
    return Uplink("http://node", transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body)))


@pytest.mark.rule("PGU-1")
@pytest.mark.parametrize("ask", ASKED, ids=["time", "submit", "setpoints"])
@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b"[" * 20_000, b'{"now":' * 20_000, b'{"now":' + b"1" * 5_000 + b"}"],
    ids=lambda body: f"{len(body)} bytes {body[:4]!r}",
)
def test_what_is_no_json_object_is_refused(ask: Callable[[Uplink], object], body: bytes) -> None:
    with answering(body) as uplink, pytest.raises(UplinkRefused, match="no JSON object"):
        ask(uplink)


@pytest.mark.rule("PGU-1")
@pytest.mark.parametrize("found", ["é", "AA", 5, [5], [None], ["é"], ["A"], ["AA==\n"]], ids=ascii)
def test_setpoints_that_are_no_base64_are_refused(found: object) -> None:
    body = json.dumps({"setpoints": found}).encode()
    with answering(body) as uplink, pytest.raises(UplinkRefused, match="no base64"):
        uplink.setpoints(bytes(32), KEY, 0, 0)
