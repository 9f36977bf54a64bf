"""An access node of the smallest kind, on loopback: keeps what it is sent, can be told to fail."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import cbor2


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A device that is gone is what some tests are about."""


@dataclass
class AccessNodeStub:
    """``statements``: all that was accepted, in order. ``fail_next``: how many requests to answer with 503;
    ``on_request``: called with the path of each request before it is served.
    """

    now: int = 0
    fail_next: int = 0
    lose_next_answer: bool = False
    statements: list[bytes] = field(default_factory=list)
    setpoints: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    on_request: Callable[[str], None] = lambda path: None

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def payloads(self) -> list[dict[int, Any]]:
        """The decoded payloads of the accepted statements."""
        return [cbor2.loads(cbor2.loads(statement).value[2]) for statement in self.statements]

    def submit(self, body: bytes) -> list[dict[str, Any]]:
        stream, answers = BytesIO(body), []
        while (start := stream.tell()) < len(body):
            cbor2.load(stream)
            answers.append(self._answer(body[start : stream.tell()]))
        self.batches.append(len(answers))
        return answers

    def _answer(self, statement: bytes) -> dict[str, Any]:
        known = statement in self.statements
        if not known:
            payload = cbor2.loads(cbor2.loads(statement).value[2])
            if payload[3] % 900:
                refusal = {
                    "rule": "MEA-2",
                    "field": "period_start",
                    "found": str(payload[3]),
                    "allowed": "900",
                }
                return {"status": "refused", **refusal, "detail": "misaligned"}
            self.statements.append(statement)
        return {
            "status": "duplicate" if known else "accepted",
            "index": self.statements.index(statement),
            "statement_id": sha256(statement).hexdigest(),
            "receipt": "",
        }


def _handler_of(node: AccessNodeStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            node.on_request(url.path)
            if self._fails():
                return
            if url.path == "/v1/time":
                self._reply(200, {"now": node.now})
                return
            pod_id = url.path.split("/")[3]
            node.tokens.append(self.headers["Authorization"].removeprefix("Bearer "))
            after = int(parse_qs(url.query)["after"][0])
            waiting = [data for sequence, data in node.setpoints.get(pod_id, ()) if sequence > after]
            self._reply(200, {"setpoints": [base64.b64encode(data).decode() for data in waiting]})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            node.on_request(self.path)
            if self._fails():
                return
            answers = node.submit(body)
            if node.lose_next_answer:
                node.lose_next_answer = False
                self.close_connection = True
                return
            self._reply(200, {"answers": answers})

        def _fails(self) -> bool:
            if node.fail_next <= 0:
                return False
            node.fail_next -= 1
            self._reply(503, {"title": "try later"})
            return True

        def _reply(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
