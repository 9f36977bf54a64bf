"""What an aggregate was when it was qualified, and how often its members changed."""

import sqlalchemy as sa
from alembic import op

revision = "mirror_0004"
down_revision = "mirror_0003"
branch_labels = None
depends_on = None

TESTED = ("tested_changes", "tested_up_kw", "tested_down_kw")


def upgrade() -> None:
    # Contracts before did not record it.
    op.add_column("membership", sa.Column("steps", sa.Integer(), nullable=False, server_default="1"))
    for column in TESTED:
        op.add_column("qualification", sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    for column in reversed(TESTED):
        op.drop_column("qualification", column)
    op.drop_column("membership", "steps")
