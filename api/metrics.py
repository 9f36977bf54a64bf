"""`GET /metrics`: what the node does and how far it is, in the Prometheus text format.

Three sources: what the access node counts (`registry.log.metrics`), requests, counted by a middleware, and
sizes and lags, read when somebody asks. Nothing here names a POD, a party or a caller: labels are outcomes,
rule keys, route templates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry.bootstrap import Node
from registry.domain.calendar import unix
from registry.ports import OperationalError

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
"""Label of a method or a route that this application does not have: callers must not make label values up."""
ABORTED = "aborted"


class Counted:
    """Counts requests by method, route template and status, as soon as their answer begins."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "flexledger_http_requests",
            "Requests by method, route template and status; aborted: the caller went before the answer",
            ("method", "route", "status"),
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = ABORTED

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
                self._count(scope, status)
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception:
            if status is ABORTED:
                status = "500"  # the server answers in the application's place
                self._count(scope, status)
            raise
        finally:
            if status is ABORTED:
                self._count(scope, status)

    def _count(self, scope: Scope, status: str) -> None:
        method = scope["method"] if scope["method"] in METHODS else OTHER
        route = getattr(scope.get("route"), "path", OTHER)
        self._requests.labels(method, route, status).inc()


class NodeState(Collector):
    """Sizes and lags of a node, read when they are asked for.

    A source that cannot be read leaves its figures out and says so by `flexledger_source_up`: the others are
    needed most when one is down.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        """All gauges."""
        sources: dict[str, Callable[[], list[Metric]]] = {"log": self._log, "mirror": self._mirror}
        up = GaugeMetricFamily(
            "flexledger_source_up",
            "1 if the node could read its measurement log, or its chain and mirror",
            labels=["source"],
        )
        for name, read in sources.items():
            try:
                yield from read()
            except OperationalError:
                up.add_metric([name], 0)
            else:
                up.add_metric([name], 1)
        yield up

    def _log(self) -> list[Metric]:
        log = self._node.log
        size, last = log.size, log.anchors.last()
        anchored = last.size if last else 0
        age = unix(self._node.clock.now()) - log.committed_at(anchored) if size > anchored else 0
        return [
            _gauge("flexledger_log_entries", "Entries of the measurement log", size),
            _gauge(
                "flexledger_log_unpublished_entries",
                "Entries that the public files do not have yet",
                log.unpublished,
            ),
            _gauge(
                "flexledger_sequencer_waiting", "Statements that wait for the sequencer's turn", log.waiting
            ),
            _gauge(
                "flexledger_anchor_lag_entries", "Entries beyond the last anchor", max(0, size - anchored)
            ),
            _gauge("flexledger_anchor_lag_seconds", "Age of the oldest entry beyond the last anchor", age),
        ]

    def _mirror(self) -> list[Metric]:
        head, position = self._node.ledger.head().number, self._node.mirror.position()
        behind = head - position.number if position is not None else head + 1
        return [_gauge("flexledger_mirror_lag_blocks", "Blocks of the chain not mirrored yet", behind)]


def install(app: FastAPI, node: Node) -> None:
    """Count the application's requests and add `/metrics`."""
    registry = CollectorRegistry()
    registry.register(NodeState(node))
    app.add_middleware(Counted, registry=registry)

    @app.get(
        "/metrics",
        tags=["health"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def metrics() -> Response:
        """Counters and gauges of this process in the Prometheus text format."""
        return Response(exposition((node.metrics, registry)), headers={"Content-Type": CONTENT_TYPE_LATEST})


def exposition(registries: Iterable[CollectorRegistry]) -> bytes:
    """The text of registries that have no metric in common."""
    return b"".join(map(generate_latest, registries))


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)
