"""samples, and indexes for large studies

Revision ID: 0019
Revises: 0018

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INDEXES = (
    ("interviews", "study_id", "is_preview", "state"),
    ("interviews", "study_id", "consented_at"),
    ("interviews", "study_id", "completed_at"),
    ("recordings", "ready_at"),
)


def _name(table: str, columns: list[str]) -> str:
    return f"ix_{table}_{'_'.join(columns)}"


def upgrade() -> None:
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_sample", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    for table, *columns in INDEXES:
        op.create_index(_name(table, columns), table, columns)


def downgrade() -> None:
    for table, *columns in INDEXES:
        op.drop_index(_name(table, columns), table_name=table)
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.drop_column("is_sample")
