"""First form of the vault's tables."""

import sqlalchemy as sa
from alembic import op

revision = "vault_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vault_opening",
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("owners", sa.JSON(), nullable=False),
        sa.Column("pod_id", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("commitment"),
    )
    op.create_index(op.f("ix_vault_opening_pod_id"), "vault_opening", ["pod_id"], unique=False)
    op.create_table(
        "vault_pod",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("pod_id", sa.LargeBinary(), nullable=False),
        sa.Column("pod_code", sa.String(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("pod_id"),
    )
    op.create_index(op.f("ix_vault_pod_pod_code"), "vault_pod", ["pod_code"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_vault_pod_pod_code"), table_name="vault_pod")
    op.drop_table("vault_pod")
    op.drop_index(op.f("ix_vault_opening_pod_id"), table_name="vault_opening")
    op.drop_table("vault_opening")
