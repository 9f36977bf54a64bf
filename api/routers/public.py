"""What anyone may read: products, Table of Equivalences, statistics, log checkpoints; the time and the node's health."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import FileResponse, PlainTextResponse

from api.deps import After, AsOf, Limit, NodeDep, delivery_day, existing, page_of
from api.problems import NotFound
from api.schemas.answers import Page, answer, answer_model
from registry.domain.calendar import unix
from registry.views import DayView, EquivalenceView, PartyView, ProductView, Statistics

router = APIRouter(tags=["public"])


@router.get("/v1/parties", response_model=Page[answer_model(PartyView)])  # type: ignore[misc]
def parties(node: NodeDep, as_of: AsOf, after: After = None, limit: Limit = 100) -> Page[Any]:
    """Participants of the consortium."""
    return page_of(node.mirror.parties(as_of=as_of, after=after, limit=limit), limit)


@router.get("/v1/products", response_model=Page[answer_model(ProductView)])  # type: ignore[misc]
def products(node: NodeDep, as_of: AsOf, operator: int | None = None, after: After = None, limit: Limit = 100) -> Page[Any]:
    """Products and their versions (PRD-1)."""
    return page_of(node.mirror.products(operator=operator, as_of=as_of, after=after, limit=limit), limit)


@router.get("/v1/products/{product}", response_model=answer_model(ProductView))
def product(node: NodeDep, as_of: AsOf, product: Annotated[int, Path(ge=1, le=2**32 - 1)]) -> Any:
    """One product version."""
    return answer(existing(node.mirror.product(product, as_of=as_of), lambda _: True, "product", product))


@router.get("/v1/equivalences", response_model=Page[answer_model(EquivalenceView)])  # type: ignore[misc]
def equivalences(
    node: NodeDep, as_of: AsOf, holds: bool | None = None, after: After = None, limit: Limit = 100
) -> Page[Any]:
    """The Table of Equivalences (TOE-1)."""
    return page_of(node.mirror.equivalences(holds=holds, as_of=as_of, after=after, limit=limit), limit)


@router.get("/v1/days/{day}", response_model=answer_model(DayView))
def day(node: NodeDep, day: str, as_of: AsOf) -> Any:
    """A delivery day and the gates of its six session pairs (SES-1)."""
    number = delivery_day(day).number
    return answer(existing(node.mirror.day(number, as_of=as_of), lambda _: True, "day", day))


@router.get("/v1/statistics", response_model=answer_model(Statistics))
def statistics(node: NodeDep) -> Any:
    """Counts of what is recorded."""
    return answer(node.mirror.statistics())


@router.get("/v1/log/checkpoint", response_class=PlainTextResponse)
def checkpoint(node: NodeDep) -> Response:
    """The signed head of the measurement log (C2SP tlog-checkpoint)."""
    return PlainTextResponse(node.log.checkpoint().note.decode())


@router.get("/v1/log/tile/{path:path}", response_class=FileResponse)
def tile(node: NodeDep, path: str) -> Response:
    """Hash tiles of the measurement log (C2SP tlog-tiles). Entry bundles name PODs and are not public."""
    folder = (node.log_tree / "tile").resolve()
    file = (folder / path).resolve()
    if path.startswith("entries/") or not file.is_relative_to(folder) or not file.is_file():
        raise NotFound(rule="API-2", field="tile", found=path[:200], allowed="a hash tile of the log")
    return FileResponse(file, media_type="application/octet-stream")


@router.get("/v1/time")
def time(node: NodeDep) -> dict[str, int]:
    """The node's clock, Unix seconds."""
    return {"now": unix(node.clock.now())}


@router.get("/health/live", tags=["health"])
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/health/ready", tags=["health"])
def ready(node: NodeDep, response: Response) -> dict[str, Any]:
    """The mirror stands at the chain's head and the log can be read."""
    head, position = node.ledger.head(), node.mirror.position()
    behind = head.number - (position.number if position is not None else 0)
    response.status_code = 200 if behind <= 1 else 503
    return {"status": "ready" if behind <= 1 else "behind", "blocks_behind": behind, "log_size": node.log.checkpoint().size}
