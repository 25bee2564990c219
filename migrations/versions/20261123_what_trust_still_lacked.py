"""what trust still lacked

Revision ID: 0025
Revises: 0024

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "repetitions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=False),
        sa.Column("part_id", sa.Integer(), nullable=False),
        sa.Column("begins_ms", sa.Integer(), nullable=False),
        sa.Column("erased_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["part_id"],
            ["parts.id"],
            name=op.f("fk_repetitions_part_id_parts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["turn_id"],
            ["turns.id"],
            name=op.f("fk_repetitions_turn_id_turns"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repetitions")),
        sa.UniqueConstraint(
            "turn_id",
            "part_id",
            "begins_ms",
            name=op.f("uq_repetitions_turn_id_part_id_begins_ms"),
        ),
    )
    with op.batch_alter_table("repetitions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_repetitions_part_id"), ["part_id"], unique=False)
    with op.batch_alter_table("deletions", schema=None) as batch_op:
        takes_study = sa.Column(
            "takes_study", sa.Boolean(), server_default=sa.false(), nullable=False
        )
        batch_op.add_column(takes_study)
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proven_at", sa.DateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.drop_column("proven_at")
    with op.batch_alter_table("deletions", schema=None) as batch_op:
        batch_op.drop_column("takes_study")
    with op.batch_alter_table("repetitions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_repetitions_part_id"))
    op.drop_table("repetitions")
