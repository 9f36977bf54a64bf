"""The node's API while the demo runs, in a thread: the PGUIs talk to it as they would to any access node."""

from __future__ import annotations

import importlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from registry.bootstrap import Node
from registry.ports import PortInUse

START_SECONDS_MAX = 20.0
APPLICATION = "api.app"
"""Named, not imported: the command line starts the API as any server would and shares no code with it."""


@contextmanager
def serving(node: Node) -> Iterator[str]:
    """Serve a node on a free loopback port; yields the base URL.

    Raises:
        PortInUse: the server did not come up.
    """
    # The protocol is named because asyncio sends small answers at once (TCP_NODELAY) only on sockets that
    # name it.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    app = importlib.import_module(APPLICATION).create_app(node, caretaker=False)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="api", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise PortInUse(
                    found=f"no server on port {port}", expected="the API", remedy="look at the messages above"
                )
            thread.join(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
