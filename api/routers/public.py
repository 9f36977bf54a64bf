"""What anyone may read.

Products, Table of Equivalences, statistics, log checkpoints; the node's time and health.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import PlainTextResponse

from api.deps import AsOf, NodeDep, PartyFilter, PathDay, ProductNumber, existing
from api.pages import PAGE_DEFAULT, After, Limit, page_model, page_of
from api.schemas.answers import Page, answer, answer_model
from api.schemas.documents import Liveness, NodeTime, Readiness
from registry.domain.calendar import unix
from registry.views import DayView, EquivalenceView, PartyView, ProductView, Statistics

router = APIRouter(tags=["public"])
TILE_PATH = r"^[0-9]{1,2}/(x[0-9]{3}/){0,6}[0-9]{3}(\.p/[0-9]{1,3})?$"
"""Hash tiles only: entry bundles name PODs and are not public."""
BLOCKS_BEHIND_MAX = 50
"""More than the writes that can be on their way from chain to mirror at once."""


@router.get("/v1/parties", response_model=page_model(PartyView))
def parties(node: NodeDep, as_of: AsOf, after: After = None, limit: Limit = PAGE_DEFAULT) -> Page[Any]:
    """Participants of the consortium (ACT-1, ACT-2)."""
    return page_of(
        PartyView,
        lambda position, size: node.mirror.parties(as_of=as_of, after=position, limit=size),
        after,
        limit,
    )


@router.get("/v1/products", response_model=page_model(ProductView))
def products(
    node: NodeDep,
    as_of: AsOf,
    operator: PartyFilter = None,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """Products and their versions (PRD-1)."""
    return page_of(
        ProductView,
        lambda position, size: node.mirror.products(
            operator=operator, as_of=as_of, after=position, limit=size
        ),
        after,
        limit,
    )


@router.get("/v1/products/{product}", response_model=answer_model(ProductView))
def product(node: NodeDep, as_of: AsOf, product: ProductNumber) -> Any:
    """One product version."""
    return answer(existing(node.mirror.product(product, as_of=as_of), lambda _: True, "product", product))


@router.get("/v1/equivalences", response_model=page_model(EquivalenceView))
def equivalences(
    node: NodeDep,
    as_of: AsOf,
    holds: bool | None = None,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """The Table of Equivalences (TOE-1)."""
    return page_of(
        EquivalenceView,
        lambda position, size: node.mirror.equivalences(holds=holds, as_of=as_of, after=position, limit=size),
        after,
        limit,
    )


@router.get("/v1/days/{day}", response_model=answer_model(DayView))
def day(node: NodeDep, day: PathDay, as_of: AsOf) -> Any:
    """A delivery day and the gates of its six session pairs (SES-1)."""
    row = node.mirror.day(day.number, as_of=as_of)
    return answer(existing(row, lambda _: True, "day", day.date.isoformat()))


@router.get("/v1/statistics", response_model=answer_model(Statistics))
def statistics(node: NodeDep) -> Any:
    """Counts of what is recorded."""
    return answer(node.mirror.statistics())


@router.get("/v1/log/checkpoint", response_class=PlainTextResponse)
def checkpoint(node: NodeDep) -> Response:
    """The signed head of the measurement log (C2SP tlog-checkpoint)."""
    return PlainTextResponse(node.log.checkpoint().note.decode())


@router.get(
    "/v1/log/tile/{path:path}",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
    },
)
def tile(node: NodeDep, path: Annotated[str, Path(pattern=TILE_PATH, examples=["0/000.p/1"])]) -> Response:
    """Hash tiles of the measurement log (C2SP tlog-tiles)."""
    try:
        data = (node.log_tree / "tile" / path).read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        data = None
    return Response(existing(data, lambda _: True, "tile", path), media_type="application/octet-stream")


@router.get("/v1/time")
def time(node: NodeDep) -> NodeTime:
    """The node's clock: a device may compare its own."""
    return NodeTime(now=unix(node.clock.now()))


@router.get("/health/live", tags=["health"])
def live() -> Liveness:
    """The process answers."""
    return Liveness(status="alive")


@router.get("/health/ready", tags=["health"], responses={503: {"model": Readiness}})
def ready(request: Request, node: NodeDep, response: Response) -> Readiness:
    """The mirror stands at the chain's head, the log can be read, the background work goes on."""
    head, position = node.ledger.head(), node.mirror.position()
    behind = head.number - (position.number if position is not None else 0)
    failure = request.app.state.caretaker.failure
    works = position is not None and behind <= BLOCKS_BEHIND_MAX and failure is None
    response.status_code = 200 if works else 503
    return Readiness(
        status="ready" if works else "behind",
        blocks_behind=behind,
        log_size=node.log.size,
        caretaker=failure,
    )
