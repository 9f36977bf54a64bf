"""First form of the mirror's tables."""

import sqlalchemy as sa
from alembic import op

revision = "mirror_0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "aggregate",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("aggregate", sa.BigInteger(), nullable=False),
        sa.Column("bsp", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Integer(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_aggregate_bsp"), "aggregate", ["bsp"], unique=False)
    op.create_index(op.f("ix_aggregate_until_block"), "aggregate", ["until_block"], unique=False)
    op.create_table(
        "attestation",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("statement_id", sa.LargeBinary(), nullable=False),
        sa.Column("auditor", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("bundle_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_attestation_until_block"), "attestation", ["until_block"], unique=False)
    op.create_table(
        "baseline",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("pod_id", sa.LargeBinary(), nullable=False),
        sa.Column("bsp", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_baseline_until_block"), "baseline", ["until_block"], unique=False)
    op.create_table(
        "block",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(op.f("ix_block_time"), "block", ["time"], unique=False)
    op.create_table(
        "checkpoint",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("log_id", sa.LargeBinary(), nullable=False),
        sa.Column("node", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_checkpoint_until_block"), "checkpoint", ["until_block"], unique=False)
    op.create_table(
        "completion",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("aggregate", sa.BigInteger(), nullable=False),
        sa.Column("perimeter", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("market", sa.Integer(), nullable=False),
        sa.Column("session", sa.Integer(), nullable=False),
        sa.Column("bsp", sa.Integer(), nullable=False),
        sa.Column("shortfall", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_completion_aggregate"), "completion", ["aggregate"], unique=False)
    op.create_index(op.f("ix_completion_until_block"), "completion", ["until_block"], unique=False)
    op.create_table(
        "day",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("tso", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("quarters", sa.Integer(), nullable=False),
        sa.Column("baseline_gate", sa.BigInteger(), nullable=False),
        sa.Column("opens_at", sa.BigInteger(), nullable=False),
        sa.Column("lfp_gates", sa.JSON(), nullable=False),
        sa.Column("msd_gates", sa.JSON(), nullable=False),
        sa.Column("last_declaration", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_day_until_block"), "day", ["until_block"], unique=False)
    op.create_table(
        "declaration",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("pod_id", sa.LargeBinary(), nullable=False),
        sa.Column("aggregate", sa.BigInteger(), nullable=False),
        sa.Column("perimeter", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("market", sa.Integer(), nullable=False),
        sa.Column("bsp", sa.Integer(), nullable=False),
        sa.Column("quarters", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_declaration_aggregate"), "declaration", ["aggregate"], unique=False)
    op.create_index(op.f("ix_declaration_until_block"), "declaration", ["until_block"], unique=False)
    op.create_table(
        "device",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.LargeBinary(), nullable=False),
        sa.Column("pod_id", sa.LargeBinary(), nullable=False),
        sa.Column("dso", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("end_reason", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_device_dso"), "device", ["dso"], unique=False)
    op.create_index(op.f("ix_device_pod_id"), "device", ["pod_id"], unique=False)
    op.create_index(op.f("ix_device_until_block"), "device", ["until_block"], unique=False)
    op.create_table(
        "dispute",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("statement_id", sa.LargeBinary(), nullable=False),
        sa.Column("bsp", sa.Integer(), nullable=False),
        sa.Column("reason_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_dispute_until_block"), "dispute", ["until_block"], unique=False)
    op.create_table(
        "equivalence",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("from_product", sa.BigInteger(), nullable=False),
        sa.Column("to_product", sa.BigInteger(), nullable=False),
        sa.Column("proposed_by", sa.Integer(), nullable=False),
        sa.Column("accepted_by", sa.JSON(), nullable=False),
        sa.Column("revoked_by", sa.Integer(), nullable=True),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_equivalence_to_product"), "equivalence", ["to_product"], unique=False)
    op.create_index(op.f("ix_equivalence_until_block"), "equivalence", ["until_block"], unique=False)
    op.create_table(
        "fact",
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("actor", sa.Integer(), nullable=False),
        sa.Column("contract", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
    )
    op.create_table(
        "light",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("perimeter", sa.BigInteger(), nullable=False),
        sa.Column("dso", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("session", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("up", sa.LargeBinary(), nullable=False),
        sa.Column("down", sa.LargeBinary(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_light_perimeter"), "light", ["perimeter"], unique=False)
    op.create_index(op.f("ix_light_until_block"), "light", ["until_block"], unique=False)
    op.create_table(
        "membership",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("aggregate", sa.BigInteger(), nullable=False),
        sa.Column("pod_id", sa.LargeBinary(), nullable=False),
        sa.Column("from_day", sa.Integer(), nullable=False),
        sa.Column("until_day", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_membership_pod_id"), "membership", ["pod_id"], unique=False)
    op.create_index(op.f("ix_membership_until_block"), "membership", ["until_block"], unique=False)
    op.create_table(
        "party",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("eic", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_party_until_block"), "party", ["until_block"], unique=False)
    op.create_table(
        "pause",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_pause_until_block"), "pause", ["until_block"], unique=False)
    op.create_table(
        "perimeter",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("perimeter", sa.BigInteger(), nullable=False),
        sa.Column("dso", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.Integer(), nullable=False),
        sa.Column("until_day", sa.Integer(), nullable=True),
        sa.Column("predecessors", sa.JSON(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_perimeter_dso"), "perimeter", ["dso"], unique=False)
    op.create_index(op.f("ix_perimeter_until_block"), "perimeter", ["until_block"], unique=False)
    op.create_table(
        "pod",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("pod_id", sa.LargeBinary(), nullable=False),
        sa.Column("from_day", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("bsp", sa.Integer(), nullable=False),
        sa.Column("dso", sa.Integer(), nullable=False),
        sa.Column("category", sa.Integer(), nullable=False),
        sa.Column("voltage", sa.Integer(), nullable=False),
        sa.Column("declared_up_kw", sa.Integer(), nullable=False),
        sa.Column("declared_down_kw", sa.Integer(), nullable=False),
        sa.Column("activation_time_s", sa.BigInteger(), nullable=False),
        sa.Column("payload_hash", sa.LargeBinary(), nullable=False),
        sa.Column("light", sa.Integer(), nullable=False),
        sa.Column("granted_up_kw", sa.Integer(), nullable=False),
        sa.Column("granted_down_kw", sa.Integer(), nullable=False),
        sa.Column("light_reason", sa.LargeBinary(), nullable=False),
        sa.Column("perimeter", sa.BigInteger(), nullable=True),
        sa.Column("local_aggregate", sa.BigInteger(), nullable=True),
        sa.Column("global_aggregate", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index("ix_pod_bsp_key", "pod", ["bsp", "key"], unique=False)
    op.create_index("ix_pod_dso_key", "pod", ["dso", "key"], unique=False)
    op.create_index("ix_pod_global_key", "pod", ["global_aggregate", "key"], unique=False)
    op.create_index("ix_pod_local_key", "pod", ["local_aggregate", "key"], unique=False)
    op.create_index("ix_pod_perimeter_key", "pod", ["perimeter", "key"], unique=False)
    op.create_index("ix_pod_pod_day", "pod", ["pod_id", "from_day"], unique=False)
    op.create_index(op.f("ix_pod_until_block"), "pod", ["until_block"], unique=False)
    op.create_table(
        "position",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "product",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("product", sa.BigInteger(), nullable=False),
        sa.Column("operator", sa.Integer(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("superseded_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_product_operator"), "product", ["operator"], unique=False)
    op.create_index(op.f("ix_product_until_block"), "product", ["until_block"], unique=False)
    op.create_table(
        "qualification",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("aggregate", sa.BigInteger(), nullable=False),
        sa.Column("product", sa.BigInteger(), nullable=False),
        sa.Column("bsp", sa.Integer(), nullable=False),
        sa.Column("operator", sa.Integer(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Integer(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("performance_permille", sa.Integer(), nullable=False),
        sa.Column("evidence_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_qualification_bsp"), "qualification", ["bsp"], unique=False)
    op.create_index(op.f("ix_qualification_product"), "qualification", ["product"], unique=False)
    op.create_index(op.f("ix_qualification_until_block"), "qualification", ["until_block"], unique=False)
    op.create_table(
        "selection",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("aggregate", sa.BigInteger(), nullable=False),
        sa.Column("perimeter", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("market", sa.Integer(), nullable=False),
        sa.Column("session", sa.Integer(), nullable=False),
        sa.Column("bsp", sa.Integer(), nullable=False),
        sa.Column("operator", sa.Integer(), nullable=False),
        sa.Column("product", sa.BigInteger(), nullable=False),
        sa.Column("tested_aggregate", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.JSON(), nullable=False),
        sa.Column("cells", sa.LargeBinary(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_selection_aggregate"), "selection", ["aggregate"], unique=False)
    op.create_index(op.f("ix_selection_perimeter"), "selection", ["perimeter"], unique=False)
    op.create_index(op.f("ix_selection_until_block"), "selection", ["until_block"], unique=False)
    op.create_table(
        "signer",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_signer_party"), "signer", ["party"], unique=False)
    op.create_index(op.f("ix_signer_until_block"), "signer", ["until_block"], unique=False)
    op.create_table(
        "statement",
        sa.Column("key", KEY, nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("until_block", sa.BigInteger(), nullable=True),
        sa.Column("statement_id", sa.LargeBinary(), nullable=False),
        sa.Column("operator", sa.Integer(), nullable=False),
        sa.Column("bsp", sa.Integer(), nullable=False),
        sa.Column("aggregate", sa.BigInteger(), nullable=False),
        sa.Column("product", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("supersedes", sa.LargeBinary(), nullable=True),
        sa.Column("superseded_by", sa.LargeBinary(), nullable=True),
        sa.Column("disputable_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "block", "log_index"),
    )
    op.create_index(op.f("ix_statement_aggregate"), "statement", ["aggregate"], unique=False)
    op.create_index(op.f("ix_statement_bsp"), "statement", ["bsp"], unique=False)
    op.create_index(op.f("ix_statement_operator"), "statement", ["operator"], unique=False)
    op.create_index(op.f("ix_statement_until_block"), "statement", ["until_block"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_statement_until_block"), table_name="statement")
    op.drop_index(op.f("ix_statement_operator"), table_name="statement")
    op.drop_index(op.f("ix_statement_bsp"), table_name="statement")
    op.drop_index(op.f("ix_statement_aggregate"), table_name="statement")
    op.drop_table("statement")
    op.drop_index(op.f("ix_signer_until_block"), table_name="signer")
    op.drop_index(op.f("ix_signer_party"), table_name="signer")
    op.drop_table("signer")
    op.drop_index(op.f("ix_selection_until_block"), table_name="selection")
    op.drop_index(op.f("ix_selection_perimeter"), table_name="selection")
    op.drop_index(op.f("ix_selection_aggregate"), table_name="selection")
    op.drop_table("selection")
    op.drop_index(op.f("ix_qualification_until_block"), table_name="qualification")
    op.drop_index(op.f("ix_qualification_product"), table_name="qualification")
    op.drop_index(op.f("ix_qualification_bsp"), table_name="qualification")
    op.drop_table("qualification")
    op.drop_index(op.f("ix_product_until_block"), table_name="product")
    op.drop_index(op.f("ix_product_operator"), table_name="product")
    op.drop_table("product")
    op.drop_table("position")
    op.drop_index(op.f("ix_pod_until_block"), table_name="pod")
    op.drop_index("ix_pod_pod_day", table_name="pod")
    op.drop_index("ix_pod_perimeter_key", table_name="pod")
    op.drop_index("ix_pod_local_key", table_name="pod")
    op.drop_index("ix_pod_global_key", table_name="pod")
    op.drop_index("ix_pod_dso_key", table_name="pod")
    op.drop_index("ix_pod_bsp_key", table_name="pod")
    op.drop_table("pod")
    op.drop_index(op.f("ix_perimeter_until_block"), table_name="perimeter")
    op.drop_index(op.f("ix_perimeter_dso"), table_name="perimeter")
    op.drop_table("perimeter")
    op.drop_index(op.f("ix_pause_until_block"), table_name="pause")
    op.drop_table("pause")
    op.drop_index(op.f("ix_party_until_block"), table_name="party")
    op.drop_table("party")
    op.drop_index(op.f("ix_membership_until_block"), table_name="membership")
    op.drop_index(op.f("ix_membership_pod_id"), table_name="membership")
    op.drop_table("membership")
    op.drop_index(op.f("ix_light_until_block"), table_name="light")
    op.drop_index(op.f("ix_light_perimeter"), table_name="light")
    op.drop_table("light")
    op.drop_table("fact")
    op.drop_index(op.f("ix_equivalence_until_block"), table_name="equivalence")
    op.drop_index(op.f("ix_equivalence_to_product"), table_name="equivalence")
    op.drop_table("equivalence")
    op.drop_index(op.f("ix_dispute_until_block"), table_name="dispute")
    op.drop_table("dispute")
    op.drop_index(op.f("ix_device_until_block"), table_name="device")
    op.drop_index(op.f("ix_device_pod_id"), table_name="device")
    op.drop_index(op.f("ix_device_dso"), table_name="device")
    op.drop_table("device")
    op.drop_index(op.f("ix_declaration_until_block"), table_name="declaration")
    op.drop_index(op.f("ix_declaration_aggregate"), table_name="declaration")
    op.drop_table("declaration")
    op.drop_index(op.f("ix_day_until_block"), table_name="day")
    op.drop_table("day")
    op.drop_index(op.f("ix_completion_until_block"), table_name="completion")
    op.drop_index(op.f("ix_completion_aggregate"), table_name="completion")
    op.drop_table("completion")
    op.drop_index(op.f("ix_checkpoint_until_block"), table_name="checkpoint")
    op.drop_table("checkpoint")
    op.drop_index(op.f("ix_block_time"), table_name="block")
    op.drop_table("block")
    op.drop_index(op.f("ix_baseline_until_block"), table_name="baseline")
    op.drop_table("baseline")
    op.drop_index(op.f("ix_attestation_until_block"), table_name="attestation")
    op.drop_table("attestation")
    op.drop_index(op.f("ix_aggregate_until_block"), table_name="aggregate")
    op.drop_index(op.f("ix_aggregate_bsp"), table_name="aggregate")
    op.drop_table("aggregate")
