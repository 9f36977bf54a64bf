"""A response that a middleware wants to see whole before it goes out."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class WholeResponse:
    """Status, headers and body of an answer, kept back until it is sent."""

    status: int = 500
    raw_headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    @classmethod
    async def of(cls, app: ASGIApp, scope: Scope, receive: Receive) -> WholeResponse:
        """What an application answers."""
        whole = cls()
        chunks: list[bytes] = []

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                whole.status = message["status"]
                whole.raw_headers = list(message["headers"])
            elif message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))

        await app(scope, receive, keep)
        whole.body = b"".join(chunks)
        return whole

    async def send(self, send: Send) -> None:
        """Let it go out."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})
