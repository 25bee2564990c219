"""contents of parts

Revision ID: 0003
Revises: 0002

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("parts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("content", sa.String(length=64), nullable=True))
        batch_op.add_column(
            sa.Column("content_bytes", sa.BigInteger(), server_default="0", nullable=False)
        )
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("illustrated", sa.String(length=200), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.drop_column("illustrated")
    with op.batch_alter_table("parts", schema=None) as batch_op:
        batch_op.drop_column("content_bytes")
        batch_op.drop_column("content")
