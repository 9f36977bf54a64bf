"""The application: routes, problem documents, repeatable writes; the node behind it is handed in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from anyio import CapacityLimiter
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from api import docs_page, metrics, problems
from api.background import Caretaker
from api.cosigner import Cosigner
from api.detacher import Detacher
from api.etags import Tagged
from api.gathering import Gatherer
from api.limits import LimitedBodies
from api.repeatable import Repeatable
from api.routers import (
    aggregates,
    contracts,
    delegations,
    detachment,
    devices,
    lights,
    market,
    measurements,
    pods,
    procurement,
    public,
    readings,
    settlements,
    streams,
    witness,
)
from api.schemas.documents import Problem
from registry.bootstrap import Node
from registry.ports import Answer

DESCRIPTION = """
Flexibility register and data-exchange ledger: who was registered for what, which limits the grid had, what
was chosen, what the meters said and why somebody was paid. Every answer about a recorded fact names the
transaction, block and time that made it so. Powers are kW (up: more injection or less withdrawal), energies
Wh, prices milli-euro per MWh, instants UTC. Errors are problem documents (RFC 9457) with the key of the rule,
the field, what was found and what is allowed. Lists go page by page: `after` takes the `next` of the page
before. `as_of` asks what was recorded until an instant. Every POST takes an `Idempotency-Key`.
"""
_PROBLEM: dict[str, Any] = {
    "description": "A problem document",
    "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def create_app(node: Node, *, caretaker: bool = True) -> FastAPI:
    """The application over a node.

    Args:
        caretaker: whether it follows the chain, anchors the log, has it cosigned and detached in the
            background.
    """
    keeper, detacher = Caretaker(node), Detacher(node)

    async def submit(statements: Sequence[bytes]) -> list[Answer]:
        return await run_in_threadpool(node.log.submit, statements)

    gatherer = Gatherer(submit, lanes=max(1, node.settings.verifiers))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.long_polls = CapacityLimiter(measurements.LONG_POLLS_MAX)
        with ExitStack() as background:
            if caretaker:
                background.enter_context(keeper)
                background.enter_context(Cosigner(node))
                background.enter_context(detacher)
            yield
        await gatherer.drain()

    app = FastAPI(
        title="FlexLedger",
        version=_version(),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={"4XX": {"model": Problem, **_PROBLEM}, "5XX": {"model": Problem, **_PROBLEM}},
    )
    app.state.node = node
    app.state.caretaker = keeper
    app.state.detacher = detacher
    app.state.gatherer = gatherer
    app.state.streams = streams.Streams()
    problems.install(app)
    # The last one added is the first to see a request.
    app.add_middleware(Repeatable, node=node)
    app.add_middleware(Tagged)
    app.add_middleware(LimitedBodies, streamed={measurements.BATCH_PATH})
    metrics.install(app, node)
    # Routes are tried in this order, and nothing is asked as often as what devices send.
    measurements.install(app)
    for module in (
        measurements,
        public,
        contracts,
        pods,
        aggregates,
        delegations,
        lights,
        procurement,
        market,
        streams,
        devices,
        readings,
        detachment,
        settlements,
        witness,
    ):
        app.include_router(module.router)
    docs_page.install(app)
    return app


def _version() -> str:
    try:
        return version("flexledger")
    except PackageNotFoundError:
        return "source"
