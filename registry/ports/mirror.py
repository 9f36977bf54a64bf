"""The register's copy of the ledger (MIR-1), and the vault of private payloads beside it (PRIV-1, PRIV-2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from registry.ports.ledger import BlockRef
from registry.ports.queries import (
    ConsortiumQueries,
    MarketQueries,
    MarketTimeQueries,
    PartyQueries,
    PodQueries,
    ProcurementQueries,
    ProductQueries,
    RecordQueries,
)


class Mirror(
    ConsortiumQueries,
    PartyQueries,
    MarketTimeQueries,
    PodQueries,
    ProductQueries,
    MarketQueries,
    ProcurementQueries,
    RecordQueries,
    Protocol,
):
    """The register's copy of the ledger (MIR-1). ``as_of`` asks what was recorded until then, included."""

    def catch_up(self) -> BlockRef | None:
        """Apply all blocks that are new, undoing those the chain gave up; returns the position (None: nothing
        to mirror yet).
        """
        ...

    def position(self) -> BlockRef | None:
        """The last block applied."""
        ...

    def dump(self) -> Iterable[tuple[str, tuple[object, ...]]]:
        """All rows as (table, values) in canonical order: equal dumps are equal mirrors."""
        ...

    def drop(self) -> None:
        """Forget everything that can be rebuilt from the chain."""
        ...


@dataclass(frozen=True, slots=True)
class PodSecret:
    """What is known of a POD off the ledger: ``pod_id`` commits to ``pod_code`` under ``salt``; ``owner`` is
    the party that put it.
    """

    pod_id: bytes
    pod_code: str
    salt: bytes
    payload: Mapping[str, Any]
    owner: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What a salted commitment hides (PRIV-3); ``owners`` are the parties that may see it."""

    commitment: bytes
    kind: str
    salt: bytes
    payload: Mapping[str, Any]
    owners: tuple[int, ...]


class Vault(Protocol):
    """Private payloads: never on the ledger, never in the mirror, not dropped with it."""

    def put_pod(
        self, pod_id: bytes, pod_code: str, salt: bytes, payload: Mapping[str, Any], owner: int
    ) -> None:
        """Keep a POD's code, salt and payload; replaces what is kept under the same ``pod_id``."""
        ...

    def put_pods(self, pods: Sequence[PodSecret]) -> None:
        """As :meth:`put_pod` for many, all or none."""
        ...

    def pod(self, pod_id: bytes) -> PodSecret | None: ...

    def pod_id_of(self, pod_code: str) -> bytes | None:
        """The ``pod_id`` last made for a POD code."""
        ...

    def pods_of(self, pod_codes: Sequence[str]) -> dict[str, PodSecret]:
        """What is kept of PODs, by code, each as last made; codes of which nothing is kept are left out."""
        ...

    def put_opening(
        self,
        commitment: bytes,
        kind: str,
        salt: bytes,
        payload: Mapping[str, Any],
        owners: tuple[int, ...],
        *,
        pod_id: bytes | None = None,
    ) -> None:
        """Keep the opening of a commitment; ``pod_id`` names the POD it is about, to be erased with it."""
        ...

    def opening(self, commitment: bytes) -> Opening | None: ...

    def erase_pod(self, pod_id: bytes) -> bool:
        """Destroy all that links ``pod_id`` to a POD code or a person, beyond recovery (PRIV-2). False if
        nothing was there.
        """
        ...


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to a write with an idempotency key; ``status`` is None while it is under way, or was cut
    off.
    """

    fingerprint: bytes
    status: int | None
    body: bytes


class AnswerStore(Protocol):
    """Answers to repeatable writes, by caller and key; durable, and not dropped with the mirror."""

    def begin(self, caller: str, key: str, fingerprint: bytes) -> KeptAnswer | None:
        """Claim a key for a request with this fingerprint; what is there already is returned instead."""
        ...

    def finish(self, caller: str, key: str, status: int, body: bytes) -> None:
        """Keep the answer of a claimed key."""
        ...

    def forget(self, caller: str, key: str) -> None:
        """Give a claimed key back: nothing was written."""
        ...
