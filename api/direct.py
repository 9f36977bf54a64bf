"""A route without what most routes need: parameters to parse, dependencies, a model to answer with."""

from __future__ import annotations

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send


class DirectRoute(APIRoute):
    """Documented as every other route; its endpoint takes the request and gives what answers it, no more.

    What FastAPI does for a route costs more than to certify a statement (`flexledger bench intake`,
    `intake.single`).
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self.methods and scope["method"] not in self.methods:
            await super().handle(scope, receive, send)
            return
        answer = await self.endpoint(Request(scope, receive, send))
        await answer(scope, receive, send)
