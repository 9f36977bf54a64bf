"""The HTTP server as a node runs it."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

GRACE_S = 5
"""How long requests may finish after the signal to stop."""


class Server(uvicorn.Server):
    """Ends what would never end by itself before it waits for requests to finish."""

    def __init__(self, app: ASGIApp, end: Callable[[], None] = lambda: None) -> None:
        """``end`` ends what the application would go on with for ever."""
        super().__init__(
            uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S)
        )
        self._end = end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve. What is there by now stays until the end: no collection need walk through it."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        self._end()
        await super().shutdown(sockets)
