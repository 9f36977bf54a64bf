"""The application: routes, problem documents, repeatable writes; the node behind it is handed in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from api import etags, problems, repeatable
from api.background import Caretaker
from api.routers import aggregates, lights, market, measurements, pods, public, settlements
from registry.bootstrap import Node

DESCRIPTION = """
Flexibility register and data-exchange ledger: who was registered for what, which limits the grid had, what was chosen,
what the meters said and why somebody was paid. Every answer about a recorded fact names the transaction, block and time that made it
so. Powers are kW (up: more injection or less withdrawal), energies Wh, prices milli-euro per MWh, instants UTC. Errors are problem
documents (RFC 9457) with the key of the rule, the field, what was found and what is allowed.
"""


def create_app(node: Node, *, caretaker: bool = True) -> FastAPI:
    """The application over a node.

    Args:
        caretaker: whether it follows the chain and anchors the log in the background.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with Caretaker(node) if caretaker else nullcontext():
            yield

    app = FastAPI(title="FlexLedger", version=_version(), description=DESCRIPTION, lifespan=lifespan)
    app.state.node = node
    repeatable.install(app)
    etags.install(app)
    problems.install(app)
    for module in (public, pods, aggregates, lights, market, measurements, settlements):
        app.include_router(module.router)
    return app


def _version() -> str:
    try:
        return version("flexledger")
    except PackageNotFoundError:
        return "source"
