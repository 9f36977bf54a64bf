"""A witness somewhere else, asked by C2SP ``tlog-witness`` over HTTP (LOG-2)."""

from __future__ import annotations

import re
from typing import Final

import httpx

from registry.domain.errors import RuleViolation
from registry.evidence.cosignatures import WitnessKey
from registry.evidence.witnessing import SIZE_MEDIA_TYPE, AddCheckpoint
from registry.log.witness import SizeDiffers
from registry.ports import OperationalError

TIMEOUT_S: Final = 5.0
ANSWER_BYTES_MAX: Final = 16_384
_SIZE: Final = re.compile(r"(0|[1-9][0-9]{0,18})\n")
_TEXT_SHOWN: Final = 500


class WitnessUnreachable(OperationalError):
    """A witness does not answer, or not as a witness does."""

    title = "witness unreachable"


class HttpWitness:
    """A witness at ``prefix``, its submission prefix. Implements
    :class:`~registry.log.cosigning.WitnessService`.
    """

    def __init__(self, prefix: str, key: WitnessKey, timeout_s: float = TIMEOUT_S) -> None:
        """``timeout_s`` bounds each wait for the network, seconds."""
        self.key = key
        self._url = f"{prefix.rstrip('/')}/add-checkpoint"
        self._timeout_s = timeout_s

    def add_checkpoint(self, request: AddCheckpoint) -> bytes:
        """Ask for a cosignature; returns the signature lines, unchecked.

        Raises :class:`~registry.log.witness.SizeDiffers` with the size the witness stands at, RuleViolation
        (LOG-2) with its words for any other refusal, :class:`WitnessUnreachable`.
        """
        try:
            status, media_type, body = self._post(request.encode())
        except httpx.HTTPError as error:
            raise self._unreachable(f"{type(error).__name__}: {error}") from error
        if status == 200:
            return body
        text = body.decode("utf-8", "replace")
        if status == 409 and media_type == SIZE_MEDIA_TYPE:
            size = _SIZE.fullmatch(text)
            if size is None:
                raise self._unreachable(f"409 with {text[:_TEXT_SHOWN]!r}")
            raise SizeDiffers(found=request.old_size, known_size=int(size[1]))
        if 400 <= status < 500:
            found = f"{status} from {self._url}: {text[:_TEXT_SHOWN]}"
            raise RuleViolation(
                rule="LOG-2", field="cosignature", found=found, allowed="200 and a cosignature"
            )
        raise self._unreachable(f"{status}: {text[:_TEXT_SHOWN]}")

    def _post(self, content: bytes) -> tuple[int, str, bytes]:
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        with (
            httpx.Client(timeout=self._timeout_s) as client,
            client.stream("POST", self._url, content=content, headers=headers) as response,
        ):
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    raise self._unreachable(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            return response.status_code, media_type, bytes(body)

    def _unreachable(self, found: str) -> WitnessUnreachable:
        return WitnessUnreachable(
            found=f"{self._url}: {found}",
            expected=f"an answer of the witness {self.key.name} within {self._timeout_s} s",
            remedy="see whether it runs; the log goes on without its cosignature",
        )
