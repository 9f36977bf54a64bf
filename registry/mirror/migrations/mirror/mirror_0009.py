"""Versions by the block that they came with."""

from alembic import op

revision = "mirror_0009"
down_revision = "mirror_0008"
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
    "agreement",
    "offer",
    "device",
    "checkpoint",
    "statement",
    "dispute",
    "attestation",
)


def upgrade() -> None:
    for table in VERSIONED:
        op.create_index(f"ix_{table}_block", table, ["block"])


def downgrade() -> None:
    for table in VERSIONED:
        op.drop_index(f"ix_{table}_block", table)
