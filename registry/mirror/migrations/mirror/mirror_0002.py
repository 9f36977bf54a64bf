"""Anchored checkpoints say how many witnesses cosigned them."""

import sqlalchemy as sa
from alembic import op

revision = "mirror_0002"
down_revision = "mirror_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Anchors of contracts that did not ask for it had none.
    op.add_column("checkpoint", sa.Column("witnesses", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("checkpoint", "witnesses")
