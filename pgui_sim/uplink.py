"""The way to the access node: HTTP, batches, a device's own token, patience (PGU-1)."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

import httpx

from pgui_sim.keystore import DeviceKey

_TOKEN_S: Final = 300
_FIRST_PAUSE_S: Final = 0.2
_TRY_AGAIN: Final = {429, 500, 502, 503, 504}


class Unreachable(Exception):
    """The access node did not answer, however often it was asked; what is queued stays queued."""


class UplinkRefused(Exception):
    """The access node answered and did not do what was asked; the message has its words."""


class Uplink:
    """Connections to one access node, kept open between requests; several threads may use them."""

    def __init__(
        self,
        server: str,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = 4,
    ) -> None:
        """``server``: base URL. Each request is made up to ``attempts`` times; ``sleep`` pauses between."""
        self._client = httpx.Client(base_url=server, timeout=60.0, transport=transport)
        self._sleep = sleep
        self._attempts = attempts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def time(self) -> int:
        """The access node's time, Unix seconds. Raises :class:`Unreachable`, :class:`UplinkRefused`."""
        answer = self._json(self._ask("GET", "/v1/time"))
        if type(answer.get("now")) is not int:
            raise UplinkRefused(f"/v1/time: found {answer!r}, expected the field now, in seconds")
        return int(answer["now"])

    def submit(self, statements: list[bytes]) -> list[dict[str, Any]]:
        """Send statements as one CBOR sequence, return the access node's answer to each, in order.

        Raises :class:`Unreachable`, :class:`UplinkRefused`; sending the same statements again is always safe.
        """
        headers = {"Content-Type": "application/cbor-seq"}
        answers = self._json(
            self._ask("POST", "/v1/statements/batch", content=b"".join(statements), headers=headers)
        ).get("answers")
        if not isinstance(answers, list) or len(answers) != len(statements):
            raise UplinkRefused(f"/v1/statements/batch: expected {len(statements)} answers")
        for answer in answers:
            if not isinstance(answer, dict) or answer.get("status") not in (
                "accepted",
                "duplicate",
                "refused",
            ):
                raise UplinkRefused(f"/v1/statements/batch: found the answer {answer!r}, expected a status")
        return answers

    def setpoints(self, pod_id: bytes, key: DeviceKey, after: int, now: int) -> list[bytes]:
        """The setpoints that wait for a POD's device, beyond sequence ``after`` (SET-1). ``now``: the access
        node's time.

        Raises :class:`Unreachable`, :class:`UplinkRefused`.
        """
        path = f"/v1/pods/{pod_id.hex()}/setpoints"
        headers = {"Authorization": f"Bearer {device_token(pod_id, key, now)}"}
        found = self._json(self._ask("GET", path, params={"after": after, "wait": 0}, headers=headers)).get(
            "setpoints"
        )
        try:
            return [base64.b64decode(text, validate=True) for text in found or ()]
        except (TypeError, ValueError) as error:
            raise UplinkRefused(f"{path}: found setpoints that are no base64 ({error})") from None

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request, repeated with growing pauses while the way or the server fails."""
        pause, failure = _FIRST_PAUSE_S, ""
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(pause)
                pause *= 2
            try:
                response = self._client.request(method, path, **request)
            except httpx.TransportError as error:
                failure = f"{type(error).__name__}: {error}"
                continue
            if response.status_code not in _TRY_AGAIN:
                return response
            failure = f"status {response.status_code}"
        raise Unreachable(f"{self._client.base_url}{path}: {failure}, {self._attempts} times")

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        place = response.request.url.path
        if response.status_code != 200:
            raise UplinkRefused(f"{place}: status {response.status_code}: {response.text[:300]}")
        try:
            content = response.json()
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise UplinkRefused(f"{place}: found no JSON object")
        return content


def device_token(pod_id: bytes, key: DeviceKey, now: int) -> str:
    """A JWT (ES256) by which a device shows whose setpoints it may fetch; valid for 300 s from ``now`` (Unix
    seconds).
    """
    header = {"alg": "ES256", "typ": "JWT", "kid": key.kid.hex()}
    claims = {"sub": pod_id.hex(), "aud": "flexledger", "iat": now, "exp": now + _TOKEN_S}
    signed = b".".join(
        _base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)
    )
    return (signed + b"." + _base64url(key.sign(signed))).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
