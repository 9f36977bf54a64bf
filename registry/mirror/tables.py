"""Tables of the mirror (MIR-1). Every row can be derived from the chain.

``block`` and ``fact`` say what was recorded, when, where and by whom. Every other table keeps *versions*: a
row holds from the fact at (``block``, ``log_index``) until block ``until_block`` (null: it still holds). So
the present, any moment of the past, the history of an object and the undoing of a block are all the same
data, read with another condition.

``key`` names the object. Numbers in keys are zero-padded and byte strings are hex, so keys of one table sort
as their objects do. Objects and their keys, which are also the ``object_type`` and ``object_id`` of the
history (a whole-part prefix of a key asks for all objects below it):

==============  ================================================="""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, MetaData, String, text
from sqlmodel import Field, SQLModel

KEY = String().with_variant(String(collation="C"), "postgresql")
"""Text that sorts by its bytes on every engine."""

METADATA = MetaData()


class _Mirrored(SQLModel):
    metadata: ClassVar[MetaData] = METADATA


class Block(_Mirrored, table=True):
    """A block that holds facts. ``time`` in Unix seconds."""

    number: int = Field(primary_key=True, sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)
    time: int = Field(sa_type=BigInteger, index=True)


class Position(_Mirrored, table=True):
    """The last block applied; one row, or none."""

    id: int = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger)
    hash: bytes = Field(sa_type=LargeBinary)
    time: int = Field(sa_type=BigInteger)


class Fact(_Mirrored, table=True):
    """A recorded event. ``actor``: the party whose key sent it, 0 for the consortium admin."""

    block: int = Field(primary_key=True, sa_type=BigInteger)
    log_index: int = Field(primary_key=True, sa_type=BigInteger)
    tx_hash: bytes = Field(sa_type=LargeBinary)
    sender: str
    actor: int
    contract: str
    event: str


class Version(_Mirrored):
    """Columns of all version tables."""

    key: str = Field(primary_key=True, sa_type=KEY)
    block: int = Field(primary_key=True, sa_type=BigInteger)
    log_index: int = Field(primary_key=True, sa_type=BigInteger)
    until_block: int | None = Field(default=None, sa_type=BigInteger)


def _index_of_values(name: str, *columns: Any) -> Index:
    """An index without the rows whose first column is null: most rows at first, and no query looks for them
    by it.
    """
    given = text(f"{columns[0]} IS NOT NULL") if isinstance(columns[0], str) else columns[0].is_not(None)
    return Index(name, *columns, sqlite_where=given, postgresql_where=given)


def _big(**arguments: Any) -> Any:
    return Field(sa_type=BigInteger, **arguments)


def _octets(**arguments: Any) -> Any:
    return Field(sa_type=LargeBinary, **arguments)


def _list() -> Any:
    return Field(sa_type=JSON)


class Party(Version, table=True):
    """Participants (ACT-1)."""

    party: int
    kind: int
    eic: str
    name: str
    suspended: bool


class Signer(Version, table=True):
    """Which address signs, or signed, for which party."""

    address: str
    party: int = Field(index=True)
    active: bool


class ContractChange(Version, table=True):
    """Proposed changes of the contracts (CON-1). ``codes``: name, implementation and initial call of each,
    bytes in hex; ``consents``: parties in the order in which they consented.
    """

    change: int
    version: int
    proposer: int
    codes: list[list[str]] = _list()
    document_hash: bytes = _octets()
    not_before: int = _big()
    consents: list[int] = _list()
    state: int


class Pause(Version, table=True):
    """Whether the ledger takes writes."""

    paused: bool


class Administration(Version, table=True):
    """Seats of the consortium admin since its first handover, and those that it is offered to (ACT-1)."""

    seats: list[str] = _list()
    threshold: int
    offered: list[str] = _list()
    offered_threshold: int
    accepted: list[str] = _list()


class Delegation(Version, table=True):
    """Rights that a party lets another one use until a time in Unix seconds (ACT-1)."""

    party: int = Field(index=True)
    agent: int = Field(index=True)
    right: int
    valid_until: int = _big()
    ended: bool


class Day(Version, table=True):
    """Delivery days; times in Unix seconds (SES-1)."""

    day: int
    tso: int
    starts_at: int = _big()
    quarters: int
    baseline_gate: int = _big()
    opens_at: int = _big()
    lfp_gates: list[int] = _list()
    msd_gates: list[int] = _list()
    last_declaration: int = _big()


class Perimeter(Version, table=True):
    """Perimeters (DTL-1)."""

    perimeter: int = _big()
    dso: int = Field(index=True)
    from_day: int
    until_day: int | None
    predecessors: list[int] = _list()
    payload_hash: bytes = _octets()


class Pod(Version, table=True):
    """PODs, one object per day from which something else holds (POD-1 to POD-3, POD-5)."""

    __table_args__ = (
        Index("ix_pod_bsp_key", "bsp", "key"),
        Index("ix_pod_dso_key", "dso", "key"),
        _index_of_values("ix_pod_perimeter_key", "perimeter", "key"),
        _index_of_values("ix_pod_local_key", "local_aggregate", "key"),
        _index_of_values("ix_pod_global_key", "global_aggregate", "key"),
        Index("ix_pod_pod_day", "pod_id", "from_day"),
    )
    pod_id: bytes = _octets()
    from_day: int
    withdrawn: bool
    bsp: int
    dso: int
    category: int
    voltage: int
    declared_up_kw: int
    declared_down_kw: int
    activation_time_s: int = _big()
    payload_hash: bytes = _octets()
    light: int
    granted_up_kw: int
    granted_down_kw: int
    light_reason: bytes = _octets()
    perimeter: int | None = _big(default=None)
    local_aggregate: int | None = _big(default=None)
    global_aggregate: int | None = _big(default=None)


class Claim(Version, table=True):
    """BSPs' claims of PODs that ``holder`` was responsible for; ``granted`` is null until one is handed over
    or dropped (POD-5). ``dso`` connects the POD."""

    pod_id: bytes = _octets()
    bsp: int = Field(index=True)
    holder: int = Field(index=True)
    dso: int = Field(index=True)
    mandate_hash: bytes = _octets()
    granted: bool | None


class Aggregate(Version, table=True):
    """Aggregates (AGG-1)."""

    aggregate: int = _big()
    bsp: int = Field(index=True)
    scope: int
    payload_hash: bytes = _octets()


class Membership(Version, table=True):
    """Memberships, one object per POD and day from which it is a member (AGG-1). ``steps`` counts the
    joinings and leavings that took effect on ``from_day`` (PRQ-2).
    """

    aggregate: int = _big()
    pod_id: bytes = _octets(index=True)
    from_day: int
    until_day: int | None
    steps: int


class ProductRow(Version, table=True):
    """Products; ``terms`` by field name, bytes in hex (PRD-1)."""

    __tablename__ = "product"
    product: int = _big()
    operator: int = Field(index=True)
    terms: dict[str, Any] = Field(sa_type=JSON)
    superseded_by: int | None = _big(default=None)


class Qualification(Version, table=True):
    """Prequalifications (PRQ-1). ``operator`` owns the product; ``tested_...`` is the aggregate's roster when
    it was qualified last (PRQ-2).
    """

    aggregate: int = _big()
    product: int = _big(index=True)
    bsp: int = Field(index=True)
    operator: int
    state: int
    actor: int
    valid_until: int = _big()
    performance_permille: int
    evidence_hash: bytes = _octets()
    tested_changes: int = _big()
    tested_up_kw: int = _big()
    tested_down_kw: int = _big()


class Equivalence(Version, table=True):
    """Table of Equivalences (TOE-1)."""

    from_product: int = _big()
    to_product: int = _big(index=True)
    proposed_by: int
    accepted_by: list[int] = _list()
    revoked_by: int | None
    holds: bool


class Light(Version, table=True):
    """Dynamic lights; cells are two 32-byte words (DTL-2)."""

    perimeter: int = _big(index=True)
    dso: int
    day: int
    session: int
    hours: int
    up: bytes = _octets()
    down: bytes = _octets()
    payload_hash: bytes = _octets()


class Selection(Version, table=True):
    """Outcomes of sessions; cells are two 32-byte words (SES-2, SES-4)."""

    aggregate: int = _big(index=True)
    perimeter: int = _big(index=True)
    day: int
    hours: int
    market: int
    session: int
    bsp: int
    operator: int
    product: int = _big()
    tested_aggregate: int = _big()
    chain: list[int] = _list()
    cells: bytes = _octets()
    commitment: bytes = _octets()


class Declaration(Version, table=True):
    """Quarter-hours of PODs; ``quarters`` is a bit map in 32 hex digits (SES-3, SES-6)."""

    pod_id: bytes = _octets()
    aggregate: int = _big(index=True)
    perimeter: int = _big()
    day: int
    market: int
    bsp: int
    quarters: str


class Completion(Version, table=True):
    """Closed declarations and their shortfalls; cells are two 32-byte words (SES-3)."""

    aggregate: int = _big(index=True)
    perimeter: int = _big()
    day: int
    hours: int
    market: int
    session: int
    bsp: int
    shortfall: bytes = _octets()


class Baseline(Version, table=True):
    """Filed baselines (BAS-1)."""

    pod_id: bytes = _octets()
    bsp: int
    day: int
    commitment: bytes = _octets()


class AgreementRow(Version, table=True):
    """Availability agreements, proposed or accepted (SES-5)."""

    __tablename__ = "agreement"
    commitment: bytes = _octets()
    dso: int = Field(index=True)
    bsp: int = Field(index=True)
    aggregate: int = _big()
    proposer: int
    accepted: bool


class OfferRow(Version, table=True):
    """Bids for the sessions of a day, as commitments (SES-5)."""

    __tablename__ = "offer"
    commitment: bytes = _octets()
    bsp: int = Field(index=True)
    aggregate: int = _big()
    perimeter: int = _big()
    day: int = Field(index=True)
    market: int
    session: int


class Device(Version, table=True):
    """Device keys; times in Unix seconds (DEV-1)."""

    key_id: bytes = _octets()
    pod_id: bytes = _octets(index=True)
    dso: int = Field(index=True)
    public_key: bytes = _octets()
    valid_from: int = _big()
    valid_until: int = _big()
    end_reason: bytes | None = _octets(default=None)


class Checkpoint(Version, table=True):
    """Anchored checkpoints (LOG-2)."""

    log_id: bytes = _octets()
    node: int
    size: int = _big()
    root: bytes = _octets()
    witnesses: int


class Statement(Version, table=True):
    """Settlement statements (STT-4)."""

    statement_id: bytes = _octets()
    operator: int = Field(index=True)
    bsp: int = Field(index=True)
    aggregate: int = _big(index=True)
    product: int = _big()
    day: int
    commitment: bytes = _octets()
    supersedes: bytes | None = _octets(default=None)
    superseded_by: bytes | None = _octets(default=None)
    disputable_until: int = _big()


class DisputeRow(Version, table=True):
    """Disputes of statements (STT-4)."""

    __tablename__ = "dispute"
    statement_id: bytes = _octets()
    bsp: int
    reason_hash: bytes = _octets()


class AttestationRow(Version, table=True):
    """Attestations of statements (AUD-1)."""

    __tablename__ = "attestation"
    statement_id: bytes = _octets()
    auditor: int
    confirmed: bool
    bundle_hash: bytes = _octets()


VERSIONS: tuple[type[Version], ...] = (
    Party,
    Signer,
    ContractChange,
    Pause,
    Administration,
    Delegation,
    Day,
    Perimeter,
    Pod,
    Claim,
    Aggregate,
    Membership,
    ProductRow,
    Qualification,
    Equivalence,
    Light,
    Selection,
    Declaration,
    Completion,
    Baseline,
    AgreementRow,
    OfferRow,
    Device,
    Checkpoint,
    Statement,
    DisputeRow,
    AttestationRow,
)


def table_of(model: type[SQLModel]) -> Any:
    """The SQL table of a model; its columns are ``.c``."""
    return model.__table__  # type: ignore[attr-defined]


for _model in VERSIONS:
    _table = table_of(_model)
    # A fork is undone by these two, however much there is that it leaves alone.
    Index(f"ix_{_table.name}_block", _table.c.block)
    _index_of_values(f"ix_{_table.name}_until_block", _table.c.until_block)

_ALL: tuple[type[SQLModel], ...] = (Block, Position, Fact, *VERSIONS)

TABLES: dict[str, Any] = {table_of(model).name: table_of(model) for model in _ALL}
"""All tables by name, in the order of a dump."""
