"""Changes of the contracts."""

import sqlalchemy as sa
from alembic import op

from registry.mirror.tables import KEY

revision = "mirror_0006"
down_revision = "mirror_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contractchange",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("proposer", sa.Integer(), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("document_hash", sa.LargeBinary(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("consents", sa.JSON(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index("ix_contractchange_until_block", "contractchange", ["until_block"])


def downgrade() -> None:
    op.drop_table("contractchange")
