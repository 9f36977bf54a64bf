"""JSON-RPC over HTTP: answers find their requests, and what is no answer is named."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from registry.ledger.rpc import Connection
from registry.ports import ChainUnreachable, NodeRefused

Script = Callable[[Any], tuple[int, bytes]]


class Node(ThreadingHTTPServer):
    """Answers by its script; ``connections`` counts those that were opened."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: Script = echo
        self.connections = 0
        self.asked: list[Any] = []
        self.authorisations: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Node

    def do_POST(self) -> None:
        self.server.authorisations.append(self.headers["Authorization"])
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        status, body = self.server.script(asked)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def result(entry: Any) -> Any:
    return {"jsonrpc": "2.0", "id": entry["id"], "result": entry["params"]}


def echo(asked: Any) -> tuple[int, bytes]:
    """Each request's parameters; those of a batch backwards, as JSON-RPC allows."""
    answer = [result(one) for one in reversed(asked)] if isinstance(asked, list) else result(asked)
    return 200, json.dumps(answer).encode()


def always(status: int, body: bytes) -> Script:
    return lambda _: (status, body)


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    thread = threading.Thread(target=node.serve_forever, args=(0.01,))
    thread.start()
    yield node
    node.shutdown()
    thread.join()
    node.server_close()


def test_answers_come_in_the_order_of_the_requests(node: Node) -> None:
    connection = Connection.to(node.url)
    assert connection.request("any", 1, "two") == [1, "two"]
    params = [(number,) for number in range(450)]
    assert connection.requests("any", params) == [list(one) for one in params]
    assert node.connections == 1, "the connection is kept"


@pytest.mark.parametrize(
    ("params", "trips"),
    [
        ([("a" * 1_000,)] * 200, 1),
        ([("a" * 1_000,)] * 201, 2),
        ([("a" * 200_000,)] * 5, 3),
        ([({"data": "a" * 200_000}, "latest")] * 5, 3),
        ([("a" * 900_000,)] * 2, 2),
    ],
)
def test_a_round_trip_is_neither_too_many_nor_too_long(node: Node, params: list[Any], trips: int) -> None:
    """Half a megabyte of it, but for a request that is longer by itself."""
    assert Connection.to(node.url).requests("any", params) == [list(one) for one in params]
    assert len(node.asked) == trips


def test_threads_do_not_mix_their_answers(node: Node) -> None:
    connection = Connection.to(node.url)
    wrong: list[Any] = []

    def ask(name: int) -> None:
        for number in range(30):
            answer = connection.request("any", name, number)
            if answer != [name, number]:
                wrong.append(answer)

    threads = [threading.Thread(target=ask, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_name_in_the_url_is_sent(node: Node) -> None:
    Connection.to(node.url.replace("//", "//user:secret@")).request("any")
    Connection.to(node.url).request("any")
    assert node.authorisations == ["Basic dXNlcjpzZWNyZXQ=", None]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (always(503, b"busy"), "HTTP status 503: busy"),
        (always(200, b"<html>"), "an answer that is no JSON: <html>"),
        (always(200, b"7"), "an answer that is no object: 7"),
    ],
)
def test_what_is_no_answer_is_named(node: Node, script: Script, said: str) -> None:
    node.script = script
    with pytest.raises(ChainUnreachable, match=f"{said} from {node.url}"):
        Connection.to(node.url).request("any")


@pytest.mark.parametrize("body", [b"[]", b"7", b'[{"id": "other", "result": 1}, 5]'])
def test_a_batch_needs_all_its_answers(node: Node, body: bytes) -> None:
    node.script = always(200, body)
    with pytest.raises(ChainUnreachable, match="answers that are not those of 2 requests"):
        Connection.to(node.url).requests("any", [(1,), (2,)])


def test_one_refusal_stands_for_a_whole_batch(node: Node) -> None:
    node.script = always(200, b'{"id": null, "error": {"code": -32600, "message": "too many"}}')
    found = Connection.to(node.url).attempts("any", [(1,), (2,)])
    assert [type(one) for one in found] == [NodeRefused, NodeRefused]


@pytest.mark.parametrize("url", ["", "127.0.0.1:8545", "ws://127.0.0.1:8545", "http://[", "http://"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ChainUnreachable, match="no URL"):
        Connection.to(url)


def test_a_proxy_of_the_environment_is_asked(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", node.url)
    assert Connection.to("http://node.invalid:8545").request("any", 5) == [5]
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert Connection.to(node.url).request("any", 5) == [5]
