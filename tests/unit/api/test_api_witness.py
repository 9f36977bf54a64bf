"""The witness over HTTP: C2SP tlog-witness, asked by hand and by the collector (LOG-2)."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import problems
from api.limits import LimitedBodies
from api.routers import witness as witness_routes
from registry.domain.errors import RuleViolation
from registry.evidence.checkpoints import sign_checkpoint
from registry.evidence.cosignatures import WitnessKey, read_cosignatures
from registry.evidence.witnessing import REQUEST_BYTES_MAX, SIZE_MEDIA_TYPE, AddCheckpoint
from registry.log.cosigning import CosignatureCollector
from registry.log.http_witness import ANSWER_BYTES_MAX, HttpWitness, WitnessUnreachable
from registry.log.witness import SizeDiffers, Witness
from tests.unit.log.log_house import SetClock
from tests.unit.log.signed_logs import NOTE_KEY, SignedLog, ed25519

pytestmark = pytest.mark.rule("LOG-2")
LOG = SignedLog.of(f"entry {n}" for n in range(300))
FORK = SignedLog.of([*LOG.names[:200], *(f"other {n}" for n in range(200, 300))])
PATH = "/v1/witness/add-checkpoint"


def application(folder: Path) -> FastAPI:
    """The routes over a witness and a log of their own: nothing else of a node is needed."""
    app = FastAPI()
    witness = Witness(folder / "witness", "tso.example/w", ed25519("tso"), [NOTE_KEY], SetClock())
    app.state.node = SimpleNamespace(
        witness=witness, cosigner=CosignatureCollector(folder / "tree", [witness])
    )
    problems.install(app)
    app.add_middleware(LimitedBodies)
    app.include_router(witness_routes.router)
    return app


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(application(tmp_path), raise_server_exceptions=False) as client:
        yield client


def key_of(client: TestClient) -> WitnessKey:
    return WitnessKey.parse(client.get("/v1/witness").text.removesuffix("\n"))


def test_200_with_the_cosignature(client: TestClient) -> None:
    for request in (LOG.request(0, 5), LOG.request(5, 250)):
        answer = client.post(PATH, content=request.encode())
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert len(read_cosignatures(request.note + answer.content, [key_of(client)])) == 1


def test_409_with_the_size_it_stands_at(client: TestClient) -> None:
    client.post(PATH, content=LOG.request(0, 5).encode())
    for request in (LOG.request(0, 9), LOG.request(4, 4), LOG.request(7, 9)):
        answer = client.post(PATH, content=request.encode())
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (
            409,
            SIZE_MEDIA_TYPE,
        )
        assert answer.content == b"5\n"


FORGED = AddCheckpoint(0, (), sign_checkpoint(LOG.checkpoint(3), ed25519("somebody")))
STRANGE = replace(FORGED, note=LOG.note(3).replace(NOTE_KEY.name.encode(), b"log.example/other"))


@pytest.mark.parametrize(
    ("request_", "status", "field"),
    [
        (STRANGE, 404, "origin"),
        (FORGED, 403, "note signature"),
        (replace(LOG.request(250, 250), note=LOG.note(249)), 400, "size"),
        (FORK.request(250, 250), 409, "root at size 250"),
        (FORK.request(250, 280), 422, "old_root"),
        (replace(LOG.request(250, 280), proof=()), 422, "proof"),
        (replace(LOG.request(250, 280), note=b"no note"), 400, "note"),
    ],
)
def test_refusals_are_problems_with_the_status_of_the_protocol(
    client: TestClient, request_: AddCheckpoint, status: int, field: str
) -> None:
    client.post(PATH, content=LOG.request(0, 250).encode())
    answer = client.post(PATH, content=request_.encode())
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json()["rule"], answer.json()["field"]) == ("LOG-2", field)
    assert client.post(PATH, content=LOG.request(250, 251).encode()).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 400), (b"old 1\n", 400), (bytes(REQUEST_BYTES_MAX + 1), 413)]
)
def test_bodies_that_are_no_request(client: TestClient, body: bytes, status: int) -> None:
    assert client.post(PATH, content=body).status_code == status


def test_the_cosigned_head_is_served(client: TestClient, tmp_path: Path) -> None:
    url = "/v1/log/checkpoint.cosigned"
    assert client.get(url).status_code == 404
    LOG.write(tmp_path / "tree")
    collected = client.app.state.node.cosigner.collect()  # type: ignore[attr-defined]
    assert client.get(url).content == collected.note


# ---------------------------------------------------------------------------------------------- over a socket


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The same application behind a real server."""
    with served(application(tmp_path)) as prefix:
        yield prefix


class served:
    """An application on a loopback port; its submission prefix."""

    def __init__(self, app: object) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))  # type: ignore[arg-type]
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1/witness"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


KEY = WitnessKey("tso.example/w", ed25519("tso").public_key().public_bytes_raw())


def test_the_collector_asks_over_http(url: str, tmp_path: Path) -> None:
    witness = HttpWitness(url, KEY)
    for size in (40, 300):
        SignedLog(LOG.names[:size]).write(tmp_path / "log")
        collected = CosignatureCollector(tmp_path / "log", [witness]).collect()
        assert collected.failures == {}
        assert [each.key for each in read_cosignatures(collected.note, [KEY])] == [KEY]
    FORK.write(tmp_path / "fork")
    (failure,) = CosignatureCollector(tmp_path / "fork", [witness]).collect().failures.values()
    assert (
        isinstance(failure, RuleViolation) and "409" in str(failure) and LOG.root(300).hex() in str(failure)
    )


def test_a_witness_that_does_not_answer(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(WitnessUnreachable, match=str(port)):
            HttpWitness(f"http://127.0.0.1:{port}", KEY, timeout_s=0.2).add_checkpoint(LOG.request(0, 1))
        assert time.monotonic() - started < 5
    with pytest.raises(WitnessUnreachable, match="ConnectError"):
        HttpWitness(f"http://127.0.0.1:{port}", KEY).add_checkpoint(LOG.request(0, 1))


@pytest.mark.parametrize(
    ("status", "media_type", "body", "expected"),
    [
        (409, SIZE_MEDIA_TYPE, b"17\n", SizeDiffers),
        (409, SIZE_MEDIA_TYPE, b"017\n", WitnessUnreachable),
        (409, SIZE_MEDIA_TYPE, b"-1\n", WitnessUnreachable),
        (409, SIZE_MEDIA_TYPE, b"17", WitnessUnreachable),
        (409, "text/plain", b"17\n", RuleViolation),
        (404, "text/html", b"\xff", RuleViolation),
        (302, "text/plain", b"", WitnessUnreachable),
        (500, "text/plain", b"", WitnessUnreachable),
        (200, "text/plain", bytes(ANSWER_BYTES_MAX + 1), WitnessUnreachable),
    ],
)
def test_answers_of_other_witnesses(
    status: int, media_type: str, body: bytes, expected: type[Exception]
) -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        headers = [(b"content-type", media_type.encode()), (b"location", b"http://127.0.0.1:1/")]
        await send({"type": "http.response.start", "status": status, "headers": headers})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": body})  # type: ignore[operator]

    with served(app) as prefix, pytest.raises(expected) as refused:
        HttpWitness(prefix, KEY).add_checkpoint(LOG.request(0, 1))
    assert type(refused.value) is expected
    if isinstance(refused.value, SizeDiffers):
        assert refused.value.known_size == 17
