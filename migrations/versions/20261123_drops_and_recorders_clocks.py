"""drops and recorders clocks

Revision ID: 0002
Revises: 0001

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drops",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interview_id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=True),
        sa.Column("left_at", sa.DateTime(), nullable=False),
        sa.Column("noticed_at", sa.DateTime(), nullable=False),
        sa.Column("returned_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interview_id"],
            ["interviews.id"],
            name=op.f("fk_drops_interview_id_interviews"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drops")),
    )
    with op.batch_alter_table("drops", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_drops_interview_id"), ["interview_id"], unique=False)

    with op.batch_alter_table("interviews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("away_since", sa.DateTime(), nullable=True))

    with op.batch_alter_table("parts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("metadata_sent", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("recorded_ms", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("delivered_ms", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("stored_ms", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("parts", schema=None) as batch_op:
        batch_op.drop_column("stored_ms")
        batch_op.drop_column("delivered_ms")
        batch_op.drop_column("recorded_ms")
        batch_op.drop_column("metadata_sent")

    with op.batch_alter_table("interviews", schema=None) as batch_op:
        batch_op.drop_column("away_since")

    with op.batch_alter_table("drops", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_drops_interview_id"))

    op.drop_table("drops")
