"""Salted commitments: what is on the ledger as a hash, and in the vault in clear (PRIV-3)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from registry.domain.errors import RuleViolation
from registry.domain.identifiers import SALT_LENGTH, canonical_json, commitment
from registry.domain.participants import PartyKind
from registry.ports import Mirror, Opening, Vault
from registry.services.recorder import every


def seal(
    vault: Vault, payload: Mapping[str, Any], owners: tuple[int, ...], *, pod_id: bytes | None = None
) -> bytes:
    """Keep a payload in the vault and return the commitment to it, for the ledger (PRIV-3).

    Args:
        vault: where the opening is kept.
        payload: text and whole numbers, with its ``kind``.
        owners: parties that may see it.
        pod_id: the POD it is about, if it is about one: erasing the POD destroys it too (PRIV-2).
    """
    salt = secrets.token_bytes(SALT_LENGTH)
    sealed = commitment(salt, canonical_json(dict(payload)))
    vault.put_opening(sealed, str(payload["kind"]), salt, payload, owners, pod_id=pod_id)
    return sealed


def opened(vault: Vault, sealed: bytes, what: str) -> Opening:
    """The opening of a commitment.

    Raises:
        RuleViolation: PRIV-3, this node does not hold it.
    """
    opening = vault.opening(sealed)
    if opening is None:
        raise _not_here(sealed, what)
    return opening


def opened_for(vault: Vault, party: int, sealed: bytes, what: str) -> Opening:
    """As :func:`opened`, by a party that it was made for.

    Raises:
        RuleViolation: PRIV-3, this node does not hold it, or not for this party: in the same words.
    """
    opening = vault.opening(sealed)
    if opening is None or party not in opening.owners:
        raise _not_here(sealed, what)
    return opening


def auditors(mirror: Mirror) -> tuple[int, ...]:
    """All auditors: they may open every commitment that a settlement rests on."""
    found = every(lambda after, limit: mirror.parties(kind=PartyKind.AUDITOR, after=after, limit=limit))
    return tuple(party.party for party in found)


def _not_here(sealed: bytes, what: str) -> RuleViolation:
    return RuleViolation(
        rule="PRIV-3",
        field=what,
        found=f"no opening of {sealed.hex()}",
        allowed="an opening in this node's vault",
        hint="ask a party of the deal",
    )
