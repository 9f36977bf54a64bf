"""Setpoints by server-sent events, over a real connection: in order, once, only while the device is bound."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI

from api.app import create_app
from api.routers import streams
from registry.domain.calendar import DeliveryDay, unix
from registry.domain.commands import BindDevices, EndDevices
from registry.domain.devices import Binding
from registry.domain.identifiers import bytes32_text
from registry.evidence.payloads import Setpoint
from registry.evidence.statements import parse
from registry.services.issue_setpoints import PodTarget, issue_setpoints
from tests.unit.api.sandbox import DAY, DSO, Sandbox, point

WAIT_S = 20


@dataclass
class Served:
    """The API of a sandbox on a loopback port; every stream that is opened starts at its own moment."""

    sandbox: Sandbox
    app: FastAPI
    url: str
    devices: dict[int, ec.EllipticCurvePrivateKey] = field(default_factory=dict)

    def bind(self, pod: int, days: int = 3) -> None:
        """Bind a new device to a POD, from now on."""
        key = self.devices[pod] = ec.generate_private_key(ec.SECP256R1())
        now = unix(self.sandbox.clock.now())
        binding = Binding(self.sandbox.pods[pod].pod_id, *point(key), now, now + 86_400 * days)
        self.sandbox.record(BindDevices(DSO, (binding,)), DSO)

    def issue(self, pod: int, *quarters: int, day: DeliveryDay = DAY) -> list[bytes]:
        """Setpoints for quarter-hours of a day; returns their bytes."""
        node, target = self.sandbox.node, self.sandbox.pods[pod].pod_id
        wanted = [PodTarget(target, quarter, 1_000 + quarter) for quarter in quarters]
        logged = issue_setpoints(node.log, node.platform(DSO), day, wanted)
        return [node.log.entry(each.index) for each in logged]

    @contextmanager
    def stream(self, pod: int, *, of: int | None = None, last: object = None) -> Iterator[Iterator[Event]]:
        """A device's stream, of its own POD or another one's."""
        token = self.sandbox.device_token(pod, self.devices[pod])
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        path = f"/v1/pods/{self.sandbox.pods[pod if of is None else of].hex}/setpoints/stream"
        with (
            httpx.Client(base_url=self.url, timeout=WAIT_S) as client,
            client.stream("GET", path, headers=headers) as response,
        ):
            if response.status_code != 200:
                response.read()
            response.raise_for_status()
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "no-store"
            yield events(response)

    def open_streams(self) -> int:
        """How many places are taken."""
        return len(self.app.state.streams._newest)


@dataclass(frozen=True)
class Event:
    """One block of a stream: a setpoint, or a comment."""

    id: int | None
    data: bytes


def events(response: httpx.Response) -> Iterator[Event]:
    """The blocks of a stream; the first, which says when to try again, is checked here."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, text = line.partition(":")
            fields[name] = text.strip()
        elif "retry" in fields:
            assert fields.pop("retry") == "5000"
        else:
            if "id" in fields:
                assert fields["event"] == "setpoint"
            number = int(fields["id"]) if "id" in fields else None
            yield Event(number, base64.b64decode(fields.get("data", "")))
            fields = {}


def until(condition: Any) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def server(founded: Sandbox) -> Iterator[Served]:
    app = create_app(founded.node, caretaker=False)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        until(lambda: server.started)
        yield Served(founded, app, f"http://127.0.0.1:{listener.getsockname()[1]}")
        server.should_exit = True
        thread.join(WAIT_S)
        assert not thread.is_alive()


@pytest.fixture
def served(server: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """Streams that look and speak more often than in life."""
    monkeypatch.setattr(streams, "LOOK_S", 0.01)
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.2)
    until(lambda: server.open_streams() == 0)
    return server


def setpoints(stream: Iterator[Event], count: int) -> list[Event]:
    """The next setpoints, whatever heartbeats come between."""
    found: list[Event] = []
    while len(found) < count:
        event = next(stream)
        if event.id is not None:
            found.append(event)
    return found


def quiet(stream: Iterator[Event]) -> bool:
    """Whether two heartbeats come and nothing else: all there was to say has been said."""
    return [next(stream).id for _ in range(2)] == [None, None]


@pytest.mark.rule("SET-1")
def test_a_connected_device_gets_each_setpoint_as_it_is_logged(served: Served) -> None:
    served.bind(0)
    with served.stream(0) as stream:
        sent: list[bytes] = []
        got: list[Event] = []
        for batch in ((80,), (81, 82), (83,)):
            sent += served.issue(0, *batch)
            got += setpoints(stream, len(batch))
        assert quiet(stream)
    assert [event.data for event in got] == sent
    payloads = [parse(event.data).payload for event in got]
    assert [event.id for event in got] == [p.sequence for p in payloads if isinstance(p, Setpoint)]
    assert [event.id for event in got] == list(range(got[0].id or 0, (got[0].id or 0) + 4))


@pytest.mark.rule("SET-1", "PGU-1")
def test_a_device_that_was_offline_gets_what_is_still_valid_in_order_once(served: Served) -> None:
    """Four setpoints while it is away; one it had, one expires: it gets the two others, and no more later."""
    served.bind(1, days=400)
    clock = served.sandbox.clock
    with served.stream(1) as stream:
        had = served.issue(1, 40)
        (known,) = setpoints(stream, 1)
    away = served.issue(1, 50, 10, 45)
    clock.set(max(clock.now(), DAY.quarter_start(10) + timedelta(minutes=16)))
    with served.stream(1, last=known.id) as stream:
        got = setpoints(stream, 2)
        assert quiet(stream)
        assert [event.data for event in got] == [away[0], away[2]]
        assert known.data == had[0]
        later = served.issue(1, 51)
        (last,) = setpoints(stream, 1)
        assert last.data == later[0]
        assert quiet(stream)
    with served.stream(1, last=last.id) as stream:
        assert quiet(stream)
    with served.stream(1) as stream:  # a device that lost its state: all that is still valid
        assert [event.data for event in setpoints(stream, 4)] == [had[0], away[0], away[2], later[0]]


@pytest.mark.rule("DEV-1", "SET-1")
def test_a_stream_ends_when_the_device_is_revoked(served: Served) -> None:
    served.bind(2)
    with served.stream(2) as stream:
        assert quiet(stream)
        now = unix(served.sandbox.clock.now())
        ending = EndDevices(DSO, (served.sandbox.pods[2].pod_id,), (now,), bytes32_text("STOLEN"))
        served.sandbox.record(ending, DSO)
        assert [event.id for event in stream if event.id is not None] == []
    until(lambda: served.open_streams() == 0)
    with pytest.raises(httpx.HTTPStatusError) as refused, served.stream(2):
        pass
    assert refused.value.response.status_code == 401


@pytest.mark.rule("DEV-1", "SET-1")
def test_nothing_is_handed_out_after_a_revocation(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setpoint that was logged while the key was valid, and read after: the stream looks again before."""
    served.bind(2)
    monkeypatch.setattr(streams, "HEARTBEAT_S", 3_600.0)
    sandbox = served.sandbox
    with served.stream(2) as stream:
        setpoints_of = sandbox.node.log.setpoints

        def revoked_meanwhile(pod_id: bytes, after: int) -> list[bytes]:
            found = setpoints_of(pod_id, after)
            if found:
                until_now = (unix(sandbox.clock.now()),)
                sandbox.record(EndDevices(DSO, (pod_id,), until_now, bytes32_text("STOLEN")), DSO)
            return found

        monkeypatch.setattr(sandbox.node.log, "setpoints", revoked_meanwhile)
        served.issue(2, 70)
        assert list(stream) == []


@pytest.mark.rule("DEV-1", "SET-1")
def test_a_stream_ends_with_the_validity_of_the_key(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.bind(2, days=2)
    monkeypatch.setattr(streams, "HEARTBEAT_S", 3_600.0)
    clock = served.sandbox.clock
    with served.stream(2) as stream:
        clock.set(clock.now() + timedelta(days=2, seconds=-1))
        assert served.open_streams() == 1
        clock.set(clock.now() + timedelta(seconds=1))
        assert list(stream) == []


@pytest.mark.rule("SET-1")
def test_the_newest_stream_of_a_device_takes_over(served: Served) -> None:
    served.bind(1, days=400)
    with served.stream(1) as old:
        assert quiet(old)
        with served.stream(1) as new:
            assert all(event.id is None for event in old)
            assert served.open_streams() == 1
            sent = served.issue(1, 95, day=DAY.plus(30))
            assert sent[0] in {event.data for event in setpoints(new, 1)}
            assert list(old) == []
    until(lambda: served.open_streams() == 0)


@pytest.mark.rule("SET-1")
def test_there_are_only_so_many_streams(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for pod in (0, 1):
        served.bind(pod, days=400)
    monkeypatch.setattr(served.app.state.streams, "_limit", 1)
    with served.stream(0) as first:
        assert quiet(first)
        with pytest.raises(httpx.HTTPStatusError) as refused, served.stream(1):
            pass
        answer = refused.value.response
        assert (answer.status_code, answer.json()["rule"]) == (503, "API-4")
        assert answer.headers["retry-after"] == "5"
        with served.stream(0) as again:  # its own place is there for a device that connects again
            assert quiet(again)
    until(lambda: served.open_streams() == 0)
    with served.stream(1) as now:
        next(now)


@pytest.mark.rule("SET-1", "ACT-1")
def test_a_device_hears_of_its_own_pod_only(served: Served) -> None:
    served.bind(0, days=400)
    with pytest.raises(httpx.HTTPStatusError) as refused, served.stream(0, of=1):
        pass
    assert refused.value.response.status_code == 404
    for wrong in (-1, 2**32, "seven", 1.5):
        with pytest.raises(httpx.HTTPStatusError) as refused, served.stream(0, last=wrong):
            pass
        assert refused.value.response.status_code == 422
        assert refused.value.response.json()["rule"] == "API-1"
    assert served.open_streams() == 0


def test_streams_end_when_the_server_stops(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.bind(0, days=400)
    with served.stream(0) as stream:
        assert quiet(stream)
        monkeypatch.setattr(served.app.state.streams, "_closed", False)
        served.app.state.streams.close()
        assert {event.id for event in stream} <= {None}
        with pytest.raises(httpx.HTTPStatusError) as refused, served.stream(0):
            pass
        assert refused.value.response.status_code == 503


def test_other_requests_are_answered_while_streams_are_open(served: Served) -> None:
    served.bind(0, days=400)
    with served.stream(0) as stream:
        assert quiet(stream)
        assert httpx.get(f"{served.url}/v1/time").status_code == 200
        counted = httpx.get(f"{served.url}/metrics").text
        assert 'route="/v1/pods/{pod_id}/setpoints/stream",status="200"' in counted
