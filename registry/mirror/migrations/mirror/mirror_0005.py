"""Seats of the consortium admin, and delegated rights."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "mirror_0005"
down_revision = "mirror_0004"
branch_labels = None
depends_on = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INDEXED = {"administration": ("until_block",), "delegation": ("agent", "party", "until_block")}


def upgrade() -> None:
    op.create_table(
        "administration",
        *_version(),
        sa.Column("seats", sa.JSON(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("offered", sa.JSON(), nullable=False),
        sa.Column("offered_threshold", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_table(
        "delegation",
        *_version(),
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("agent", sa.Integer(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    for table, columns in INDEXED.items():
        for column in columns:
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)


def downgrade() -> None:
    for table, columns in INDEXED.items():
        for column in columns:
            op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
        op.drop_table(table)


def _version() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
    )
