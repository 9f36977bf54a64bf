"""BSPs claim PODs of one another."""

import sqlalchemy as sa
from alembic import op

revision = "mirror_0003"
down_revision = "mirror_0002"
branch_labels = None
depends_on = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INDEXED = ("bsp", "dso", "holder", "until_block")


def upgrade() -> None:
    op.create_table(
        "claim",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("pod_id", sa.LargeBinary(), nullable=False),
        sa.Column("bsp", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Integer(), nullable=False),
        sa.Column("dso", sa.Integer(), nullable=False),
        sa.Column("mandate_hash", sa.LargeBinary(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    for column in INDEXED:
        op.create_index(op.f(f"ix_claim_{column}"), "claim", [column], unique=False)


def downgrade() -> None:
    for column in INDEXED:
        op.drop_index(op.f(f"ix_claim_{column}"), table_name="claim")
    op.drop_table("claim")
