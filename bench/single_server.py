"""The server of ``intake.single``: what ``flexledger serve`` runs, in a process of its own, over an access
node that knows a fleet, with one more route that does nothing.
"""

from __future__ import annotations

from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.corpus import Fleet

EMPTY = "/bench/empty"
ORIGIN = "bench.example/log"
LOG_FOLDER = "bench-log"


def serve(pipe: Connection, folder: Path, fleet: Fleet, note_key: bytes, verifiers: int) -> None:
    """Serve until the pipe closes; says the port.

    ``folder`` takes a sandbox and, in ``LOG_FOLDER``, the log that is measured; ``note_key`` (32 bytes) signs
    its checkpoints.
    """
    # The server's rooms load where they are used: who measures stays free of them.
    from fastapi import Response
    from fastapi.routing import APIRoute
    from prometheus_client import CollectorRegistry

    from api.__main__ import listen, make_server
    from api.app import create_app
    from registry.bootstrap import open_node
    from registry.config import Settings
    from registry.log import AccessNode, LogSettings
    from registry.log.metrics import PrometheusMeter

    async def empty() -> Response:
        return Response(status_code=204)

    settings = Settings(state=folder / "sandbox", host="127.0.0.1", port=0)
    metrics = CollectorRegistry()
    with (
        open_node(settings, fleet) as node,
        AccessNode(
            folder / LOG_FOLDER,
            fleet,
            fleet,
            fleet,
            Ed25519PrivateKey.from_private_bytes(note_key),
            node.keys.p256("receipts"),
            LogSettings(ORIGIN, verifiers=verifiers),
            PrometheusMeter(metrics),
            devices_version=lambda: 1,
        ) as log,
        listen(settings.host, settings.port) as listener,
    ):
        app = create_app(replace(node, log=log, metrics=metrics))
        # In front of all others: finding it costs as little as can be.
        app.router.routes.insert(0, APIRoute(EMPTY, empty, methods=["POST"]))
        server = make_server(app)
        pipe.send(listener.getsockname()[1])
        Thread(target=_stop_at_end, args=(pipe, server), daemon=True).start()
        server.run(sockets=[listener])
