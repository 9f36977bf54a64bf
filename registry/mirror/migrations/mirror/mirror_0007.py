"""Indexes without the rows whose first column is null."""

import sqlalchemy as sa
from alembic import op

revision = "mirror_0007"
down_revision = "mirror_0006"
branch_labels = None
depends_on = None

VERSIONED = (
    "party",
    "signer",
    "contractchange",
    "pause",
    "administration",
    "delegation",
    "day",
    "perimeter",
    "pod",
    "claim",
    "aggregate",
    "membership",
    "product",
    "qualification",
    "equivalence",
    "light",
    "selection",
    "declaration",
    "completion",
    "baseline",
    "device",
    "checkpoint",
    "statement",
    "dispute",
    "attestation",
)
INDEXES = (
    *((f"ix_{table}_until_block", table, ["until_block"]) for table in VERSIONED),
    ("ix_pod_perimeter_key", "pod", ["perimeter", "key"]),
    ("ix_pod_local_key", "pod", ["local_aggregate", "key"]),
    ("ix_pod_global_key", "pod", ["global_aggregate", "key"]),
)


def upgrade() -> None:
    for name, table, columns in INDEXES:
        given = sa.text(f"{columns[0]} IS NOT NULL")
        op.drop_index(name, table)
        op.create_index(name, table, columns, sqlite_where=given, postgresql_where=given)


def downgrade() -> None:
    for name, table, columns in INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, columns)
