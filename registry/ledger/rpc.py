"""JSON-RPC through a web3 provider, with the node's failures told apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

import requests
from web3 import HTTPProvider
from web3.exceptions import Web3Exception

from registry.ports import ChainUnreachable, NodeRefused

_REVERT_CODE = 3
_BATCH = 200
_TIMEOUT_S = 30


class CallReverted(Exception):
    """The contract refused; ``data`` is what it returned."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        super().__init__(f"reverted with {len(data)} bytes")


class Provider(Protocol):
    """What a web3 provider answers."""

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
        """A connection to the node at an HTTP URL."""
        return cls(
            HTTPProvider(url, request_kwargs={"timeout": _TIMEOUT_S}, exception_retry_configuration=None), url
        )

    def request(self, method: str, *params: Any) -> Any:
        """The result of one request."""
        try:
            answer = self._provider.make_request(method, list(params))
        except (requests.RequestException, json.JSONDecodeError, Web3Exception, OSError) as error:
            raise self._unreachable(error) from error
        return _result(method, answer)

    def requests(self, method: str, params: Sequence[Sequence[Any]]) -> list[Any]:
        """The results of many requests of one method, in order; in one round trip per few hundred where the
        provider can.
        """
        if not isinstance(self._provider, HTTPProvider):
            return [self.request(method, *one) for one in params]
        results: list[Any] = []
        for start in range(0, len(params), _BATCH):
            part: Any = [(method, list(one)) for one in params[start : start + _BATCH]]
            try:
                answers: Any = self._provider.make_batch_request(part)
            except (requests.RequestException, json.JSONDecodeError, Web3Exception, OSError) as error:
                raise self._unreachable(error) from error
            if not isinstance(answers, list):
                answers = [answers] * len(part)
            results += [_result(method, answer) for answer in answers]
        return results

    def _unreachable(self, error: Exception) -> ChainUnreachable:
        return ChainUnreachable(
            found=f"{type(error).__name__} from {self._place}",
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
