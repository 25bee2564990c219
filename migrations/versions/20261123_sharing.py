"""sharing

Revision ID: 0015
Revises: 0014

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.add_column(sa.Column("quota", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("opens_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("closes_at", sa.DateTime(), nullable=True))
        batch_op.add_column(
            sa.Column("access_code", sa.String(length=64), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("parameters", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(
            sa.Column("redirect", sa.String(length=1000), nullable=False, server_default="")
        )
    with op.batch_alter_table("interviews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("parameters", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("interviews", schema=None) as batch_op:
        batch_op.drop_column("parameters")
    with op.batch_alter_table("studies", schema=None) as batch_op:
        for name in (
            "redirect",
            "parameters",
            "access_code",
            "closes_at",
            "opens_at",
            "quota",
        ):
            batch_op.drop_column(name)
