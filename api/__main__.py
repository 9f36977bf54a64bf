"""`python -m api`: serve the API over a node's folder. Settings come from the environment (see `registry.config`)."""

from __future__ import annotations

import socket
import sys

import uvicorn

from api.app import create_app
from registry.bootstrap import SystemClock, open_node
from registry.config import Settings
from registry.ports import OperationalError, PortInUse


def main() -> int:
    """Serve until interrupted; 1 with one clear line if the node cannot be opened."""
    try:
        settings = Settings()
        listener = _listen(settings.host, settings.port)
        node = open_node(settings, SystemClock())
    except (OperationalError, ValueError) as error:
        sys.stderr.write(f"flexledger: {error}\n")
        return 1
    with node, listener:
        host, port = listener.getsockname()[:2]
        sys.stderr.write(f"FlexLedger serves {settings.state} on http://{host}:{port}/docs\n")
        uvicorn.Server(uvicorn.Config(create_app(node), log_level="warning")).run(sockets=[listener])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise PortInUse(
            found=f"{host}:{port}: {error.strerror}", expected="a free port", remedy="stop the other program or set FLEXLEDGER_PORT"
        ) from error
    return listener


if __name__ == "__main__":
    sys.exit(main())
