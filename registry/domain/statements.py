"""Settlement statements on the ledger: recorded, disputed, superseded, attested; never changed (STT-4)."""

from __future__ import annotations

from dataclasses import dataclass

NO_STATEMENT = bytes(32)


@dataclass(frozen=True, slots=True)
class Statement:
    """A settlement statement.

    The salted hash of its content, and the statement it replaces (32 zero bytes for none).
    """

    statement_id: bytes
    aggregate: int
    product: int
    day: int
    commitment: bytes
    supersedes: bytes
