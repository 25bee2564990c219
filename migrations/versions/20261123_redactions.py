"""redactions, and answers that were taken back

Revision ID: 0023
Revises: 0022

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "redactions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=24), nullable=False),
        sa.Column("turn_id", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("begins_ms", sa.Integer(), nullable=True),
        sa.Column("ends_ms", sa.Integer(), nullable=True),
        sa.Column("treatment", sa.String(length=32), nullable=False),
        sa.Column("covers_picture", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["researchers.id"],
            name=op.f("fk_redactions_author_id_researchers"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["turn_id"], ["turns.id"], name=op.f("fk_redactions_turn_id_turns"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redactions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_redactions_public_id")),
    )
    with op.batch_alter_table("redactions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_redactions_author_id"), ["author_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_redactions_turn_id"), ["turn_id"], unique=False)
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("original", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("original_type", sa.String(length=60), nullable=True))
    with op.batch_alter_table("parts", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_sealed", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.add_column(sa.Column("taken_back_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("erased_at", sa.DateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.drop_column("erased_at")
        batch_op.drop_column("taken_back_at")
    with op.batch_alter_table("parts", schema=None) as batch_op:
        batch_op.drop_column("is_sealed")
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.drop_column("original_type")
        batch_op.drop_column("original")
    with op.batch_alter_table("redactions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_redactions_turn_id"))
        batch_op.drop_index(batch_op.f("ix_redactions_author_id"))
    op.drop_table("redactions")
