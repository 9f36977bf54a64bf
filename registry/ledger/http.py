"""JSON-RPC over HTTP, by connections that are kept open (ADR 16)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any
from urllib.request import getproxies, proxy_bypass

from urllib3 import PoolManager, ProxyManager, make_headers
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

_SCHEMES = ("http", "https")
_OK = 200
_TIMEOUT_S = 30
_CONNECTIONS = 16
"""Kept open; more threads than that open connections of their own for each request."""
_SHOWN = 80


class HttpFailed(OSError):
    """The node's HTTP server gave something that is no JSON-RPC answer; the message says what."""


class HttpProvider:
    """A node at a URL. Safe for use by many threads. ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY`` hold as
    they stand when it is made.

    Raises :class:`HttpFailed` for what is no such URL. Requests raise it too, or what urllib3 raises where
    there is no answer; nothing is asked twice.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._ids = itertools.count()
        place = _place(url)
        headers = make_headers(keep_alive=True, accept_encoding=True, basic_auth=place.auth)
        headers["Content-Type"] = "application/json"
        self._pool = _pool(place, headers)

    def make_request(self, method: str, params: Sequence[Any]) -> Any:
        """The answer to one request, an object with ``result`` or ``error``."""
        answer = self._post(self._entry(method, params))
        if not isinstance(answer, dict):
            raise HttpFailed(f"an answer that is no object: {_short(answer)}")
        return answer

    def make_batch_request(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """The answers to many requests, in their order (a node may give them in any)."""
        entries = [self._entry(method, params) for method, params in requests]
        answers = self._post(entries)
        if isinstance(answers, dict) and "error" in answers:
            return [answers] * len(entries)
        try:
            by_id = {answer["id"]: answer for answer in answers}
            return [by_id[entry["id"]] for entry in entries]
        except (TypeError, KeyError):
            raise HttpFailed(f"answers that are not those of {len(entries)} requests") from None

    def _entry(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}

    def _post(self, body: Any) -> Any:
        encoded = json.dumps(body).encode()
        response = self._pool.request("POST", self._url, body=encoded, timeout=_TIMEOUT_S, retries=False)
        if response.status != _OK:
            raise HttpFailed(f"HTTP status {response.status}: {_short(response.data)}")
        try:
            return json.loads(response.data)
        except ValueError:
            raise HttpFailed(f"an answer that is no JSON: {_short(response.data)}") from None


def _place(url: str) -> Url:
    try:
        place = parse_url(url)
    except LocationParseError:
        raise HttpFailed("no URL") from None
    if place.scheme not in _SCHEMES or not place.host:
        raise HttpFailed("no URL of http or https")
    return place


def _pool(place: Url, headers: dict[str, str]) -> PoolManager:
    proxies = {} if proxy_bypass(str(place.host)) else getproxies()
    proxy = proxies.get(str(place.scheme)) or proxies.get("all")
    if proxy is None:
        return PoolManager(maxsize=_CONNECTIONS, headers=headers)
    through = make_headers(proxy_basic_auth=parse_url(proxy).auth)
    return ProxyManager(proxy, maxsize=_CONNECTIONS, headers=headers, proxy_headers=through)


def _short(found: Any) -> str:
    text = found.decode(errors="replace") if isinstance(found, bytes) else repr(found)
    return text[:_SHOWN]
