"""withdrawals

Revision ID: 0014
Revises: 0013

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("interviews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("withdrawn_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("receipt", sa.String(length=16), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("interviews", schema=None) as batch_op:
        batch_op.drop_column("receipt")
        batch_op.drop_column("withdrawn_at")
