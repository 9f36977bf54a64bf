"""Tables of the vault: what must never be on the ledger, and cannot be rebuilt from it (PRIV-1)."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import JSON, LargeBinary, MetaData
from sqlmodel import Field, SQLModel

METADATA = MetaData()


class _Kept(SQLModel):
    metadata: ClassVar[MetaData] = METADATA


class VaultPod(_Kept, table=True):
    """What a ``pod_id`` commits to. ``number`` rises with every row: the latest of a code is found by it."""

    __tablename__ = "vault_pod"
    number: int | None = Field(default=None, primary_key=True)
    pod_id: bytes = Field(sa_type=LargeBinary, unique=True)
    pod_code: str = Field(index=True)
    salt: bytes = Field(sa_type=LargeBinary)
    payload: dict[str, Any] = Field(sa_type=JSON)
    owner: int


class VaultOpening(_Kept, table=True):
    """What a commitment hides. ``pod_id``: the POD it is about, if it is about one."""

    __tablename__ = "vault_opening"
    commitment: bytes = Field(primary_key=True, sa_type=LargeBinary)
    kind: str
    salt: bytes = Field(sa_type=LargeBinary)
    payload: dict[str, Any] = Field(sa_type=JSON)
    owners: list[int] = Field(sa_type=JSON)
    pod_id: bytes | None = Field(default=None, sa_type=LargeBinary, index=True)


class VaultAnswer(_Kept, table=True):
    """The answer to a write with an idempotency key; ``status`` is null from the claim until the answer."""

    __tablename__ = "vault_answer"
    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: bytes = Field(sa_type=LargeBinary)
    status: int | None = Field(default=None)
    body: bytes = Field(default=b"", sa_type=LargeBinary)
