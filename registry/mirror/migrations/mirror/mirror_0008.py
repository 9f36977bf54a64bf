"""Agreements and offers."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "mirror_0008"
down_revision = "mirror_0007"
branch_labels = None
depends_on = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INDEXED = {"agreement": ("bsp", "dso"), "offer": ("bsp", "day")}


def upgrade() -> None:
    op.create_table(
        "agreement",
        *_version(),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("dso", sa.Integer(), nullable=False),
        sa.Column("bsp", sa.Integer(), nullable=False),
        sa.Column("aggregate", sa.BigInteger(), nullable=False),
        sa.Column("proposer", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_table(
        "offer",
        *_version(),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("bsp", sa.Integer(), nullable=False),
        sa.Column("aggregate", sa.BigInteger(), nullable=False),
        sa.Column("perimeter", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("market", sa.Integer(), nullable=False),
        sa.Column("session", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    for table, columns in INDEXED.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])
        given = sa.text("until_block IS NOT NULL")
        op.create_index(
            f"ix_{table}_until_block", table, ["until_block"], sqlite_where=given, postgresql_where=given
        )


def downgrade() -> None:
    for table in INDEXED:
        op.drop_table(table)


def _version() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
    )
