"""where parts are shelved

Revision ID: 0027
Revises: 0026

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("parts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shelved", sa.String(length=200), nullable=True))
    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_receipts_interview"), ["interview"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_receipts_interview"))
    with op.batch_alter_table("parts", schema=None) as batch_op:
        batch_op.drop_column("shelved")
