"""JSON-RPC through a provider, with the node's failures told apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from urllib3.exceptions import HTTPError

from registry.ledger.http import HttpFailed, HttpProvider
from registry.ports import ChainUnreachable, NodeRefused

_REVERT_CODE = 3
_BATCH = 200
_BODY = 500_000
"""Requests of a round trip, and characters of what they say: proxies before nodes take a megabyte."""


class CallReverted(Exception):
    """The contract refused; ``data`` is what it returned."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        super().__init__(f"reverted with {len(data)} bytes")


class Provider(Protocol):
    """Answers requests: web3's providers do, and :class:`~registry.ledger.http.HttpProvider`."""

    def make_request(self, method: Any, params: Any) -> Any: ...


class Connection:
    """Requests to one node.

    Raises on every request:
        ChainUnreachable: no answer, or no answer that is JSON-RPC.
        CallReverted: a contract refused the call or transaction.
        NodeRefused: any other error that the node names (wrong nonce, no funds, unknown method).
    """

    def __init__(self, provider: Provider, place: str) -> None:
        self._provider = provider
        self._place = place

    @classmethod
    def to(cls, url: str) -> Connection:
        """A connection to the node at an HTTP URL. Raises ChainUnreachable if it is none."""
        try:
            return cls(HttpProvider(url), url)
        except HttpFailed as error:
            raise _unreachable(error, url) from error

    def request(self, method: str, *params: Any) -> Any:
        """The result of one request."""
        return _result(method, self._answer(method, list(params)))

    def requests(self, method: str, params: Sequence[Sequence[Any]]) -> list[Any]:
        """The results of many requests of one method, in order; in one round trip per few hundred where the
        provider can, fewer if they are long.
        """
        return [_result(method, answer) for answer in self._answers(method, params)]

    @property
    def batches(self) -> bool:
        """Whether many requests go in one round trip; the embedded chain answers each at once."""
        return isinstance(self._provider, HttpProvider)

    def attempts(self, method: str, params: Sequence[Sequence[Any]]) -> list[Any]:
        """As :meth:`requests`, with the failure (CallReverted, NodeRefused) of one request in its place."""
        return [self._settled(method, answer) for answer in self._answers(method, params)]

    @staticmethod
    def _settled(method: str, answer: Any) -> Any:
        try:
            return _result(method, answer)
        except (CallReverted, NodeRefused) as failure:
            return failure

    def _answers(self, method: str, params: Sequence[Sequence[Any]]) -> Iterator[Any]:
        provider = self._provider
        if not isinstance(provider, HttpProvider):
            yield from (self._answer(method, list(one)) for one in params)
            return
        for some in _round_trips(params):
            with self._reaching():
                answers = provider.make_batch_request([(method, one) for one in some])
            yield from answers

    def _answer(self, method: str, params: list[Any]) -> Any:
        with self._reaching():
            return self._provider.make_request(method, params)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except (HTTPError, OSError) as error:
            raise _unreachable(error, self._place) from error


def _round_trips(params: Sequence[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    some: list[Sequence[Any]] = []
    body = 0
    for one in params:
        size = sum(map(_size, one))
        if some and (len(some) == _BATCH or body + size > _BODY):
            yield some
            some, body = [], 0
        some.append(one)
        body += size
    if some:
        yield some


def _size(part: Any) -> int:
    """Characters, about: of text and of a call's fields."""
    if isinstance(part, dict):
        return sum(map(_size, part.values()))
    return len(part) if isinstance(part, str) else 0


def _unreachable(error: Exception, place: str) -> ChainUnreachable:
    named = str(error) if isinstance(error, HttpFailed) else type(error).__name__
    return ChainUnreachable(
        found=f"{named} from {place}",
        expected="an Ethereum node that answers JSON-RPC",
        remedy="start the node, or correct the ledger's URL in the settings",
    )


def _result(method: str, answer: Any) -> Any:
    error = answer.get("error")
    if error is None:
        return answer.get("result")
    data = _revert_data(error.get("data"))
    if error.get("code") == _REVERT_CODE or data is not None or "revert" in str(error.get("message")).lower():
        raise CallReverted(data or b"")
    raise NodeRefused(
        found=f"{error.get('message')} ({method})", expected="an answer", remedy="look at the node's own log"
    )


def _revert_data(data: Any) -> bytes | None:
    """Nodes give the revert's data as hex text, or inside an object, or behind a word."""
    if isinstance(data, dict):
        data = data.get("data") or data.get("result")
    if not isinstance(data, str):
        return None
    text = data.rpartition("0x")[2]
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None
