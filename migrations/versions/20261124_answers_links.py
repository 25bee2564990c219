"""answers links

Revision ID: 0026
Revises: 0025

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answers_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interview_id", sa.Integer(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interview_id"],
            ["interviews.id"],
            name=op.f("fk_answers_links_interview_id_interviews"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers_links")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_answers_links_token_digest")),
    )
    with op.batch_alter_table("answers_links", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_answers_links_interview_id"), ["interview_id"], unique=False
        )
    _keep_those_that_were_signed()


def _keep_those_that_were_signed() -> None:
    """Every interview so far has one, made of its name and a key: from now on they end as the
    others do, and can be revoked."""
    now = datetime.now(UTC).replace(tzinfo=None)
    links = sa.table(
        "answers_links",
        sa.column("interview_id", sa.Integer()),
        sa.column("created_at", sa.DateTime()),
        sa.column("expires_at", sa.DateTime()),
    )
    interviews = sa.table("interviews", sa.column("id", sa.Integer()))
    at = sa.literal(now, sa.DateTime())
    until = sa.literal(now + timedelta(days=365), sa.DateTime())
    held = sa.select(interviews.c.id, at, until)
    op.execute(links.insert().from_select(["interview_id", "created_at", "expires_at"], held))


def downgrade() -> None:
    with op.batch_alter_table("answers_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_answers_links_interview_id"))
    op.drop_table("answers_links")
