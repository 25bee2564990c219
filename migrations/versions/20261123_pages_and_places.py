"""pages and places

Revision ID: 0008
Revises: 0007

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # For some days migration 0002 made this column.
    if "page" not in _columns("interviews"):
        with op.batch_alter_table("interviews", schema=None) as batch_op:
            batch_op.add_column(sa.Column("page", sa.String(length=64), nullable=True))
    # Deleting a part looks for the turns that lie in it.
    op.create_index(op.f("ix_turns_part_id"), "turns", ["part_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_turns_part_id"), "turns")
    with op.batch_alter_table("interviews", schema=None) as batch_op:
        batch_op.drop_column("page")


def _columns(table: str) -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
