"""A ledger on the embedded chain for a benchmark that ends with an anchor on it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from registry.domain.commands import AdmitParties
from registry.domain.identifiers import eic_check_character
from registry.domain.participants import Admission, PartyKind
from registry.ledger.opening import open_embedded
from registry.ledger.signers import LocalSigner
from registry.log import AccessNode, Anchorer

_PARTY = 31
_BODY = "13XFLEX-NODE---"
_EIC = (_BODY + eic_check_character(_BODY)).encode()


class _Now:
    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)


class AnchoredLog:
    """An access node's log with a freshly deployed ledger."""

    def __init__(self, folder: Path, node: AccessNode) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        admin, signer = LocalSigner.create(), LocalSigner.create()
        self._embedded = open_embedded(folder, _Now(), admin)
        self._embedded.ledger.send(
            AdmitParties((Admission(_PARTY, PartyKind.ACCESS_NODE, _EIC, "Access node", signer.address),)),
            admin,
        )
        self._anchorer = Anchorer(node, self._embedded.ledger, signer, _PARTY, 1, 1, _Now())

    def anchor(self) -> None:
        """Anchor the head of the log. Raises RuntimeError if it did not get there."""
        if self._anchorer.anchor() is None:
            raise RuntimeError(f"anchor: found {self._anchorer.lag()}, expected the head on the ledger")
