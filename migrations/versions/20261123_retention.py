"""receipts, retention and deletions in the background

Revision ID: 0022
Revises: 0021

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

DUE = "deletion.due"


def upgrade() -> None:
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deleted_at", sa.DateTime(), nullable=True))
    op.create_table(
        "receipts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=24), nullable=False),
        sa.Column("researcher_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("batch", sa.String(length=24), nullable=False),
        sa.Column("study", sa.String(length=24), nullable=False),
        sa.Column("interview", sa.String(length=24), nullable=True),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["researcher_id"],
            ["researchers.id"],
            name=op.f("fk_receipts_researcher_id_researchers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("public_id", name=op.f("uq_receipts_public_id")),
    )
    op.create_index(op.f("ix_receipts_batch"), "receipts", ["batch"])
    op.create_index(op.f("ix_receipts_researcher_id"), "receipts", ["researcher_id"])
    op.create_table(
        "workspace_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recordings_days", sa.Integer(), nullable=True),
        sa.Column("everything_days", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("looked_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspace_rules")),
    )
    op.create_table(
        "study_rules",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("recordings_days", sa.Integer(), nullable=True),
        sa.Column("everything_days", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["studies.id"],
            name=op.f("fk_study_rules_study_id_studies"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_study_rules")),
    )
    op.create_table(
        "keeps",
        sa.Column("interview_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["by_id"],
            ["researchers.id"],
            name=op.f("fk_keeps_by_id_researchers"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["interview_id"],
            ["interviews.id"],
            name=op.f("fk_keeps_interview_id_interviews"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("interview_id", name=op.f("pk_keeps")),
    )
    op.create_table(
        "deletion_notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("reach", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["studies.id"],
            name=op.f("fk_deletion_notices_study_id_studies"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletion_notices")),
        sa.UniqueConstraint(
            "study_id", "reach", "until", name=op.f("uq_deletion_notices_study_id_reach_until")
        ),
    )
    op.create_table(
        "deletions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=24), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("reach", sa.String(length=32), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("leased_until", sa.DateTime(), nullable=True),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("expected_at", sa.DateTime(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["studies.id"],
            name=op.f("fk_deletions_study_id_studies"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
        sa.UniqueConstraint("public_id", name=op.f("uq_deletions_public_id")),
    )
    op.create_index(op.f("ix_deletions_state"), "deletions", ["state"])
    op.create_index(op.f("ix_deletions_study_id"), "deletions", ["study_id"])
    op.create_table(
        "to_delete",
        sa.Column("deletion_id", sa.Integer(), nullable=False),
        sa.Column("interview_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deletion_id"],
            ["deletions.id"],
            name=op.f("fk_to_delete_deletion_id_deletions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["interview_id"],
            ["interviews.id"],
            name=op.f("fk_to_delete_interview_id_interviews"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("deletion_id", "interview_id", name=op.f("pk_to_delete")),
    )
    op.create_index(op.f("ix_to_delete_interview_id"), "to_delete", ["interview_id"])
    # Who wants nothing at all in one of these ways gets nothing.
    _choose(lambda chosen: [*chosen, DUE] if chosen else chosen)


def _choose(change) -> None:
    """Who has chosen what to be told of did so before there was this."""
    choices = sa.table(
        "notification_choices",
        sa.column("researcher_id", sa.Integer()),
        sa.column("app", sa.JSON()),
        sa.column("mail", sa.JSON()),
    )
    bind = op.get_bind()
    for researcher_id, app, mail in bind.execute(sa.select(choices)).all():
        bind.execute(
            choices.update()
            .where(choices.c.researcher_id == researcher_id)
            .values(app=change(app), mail=change(mail))
        )


def downgrade() -> None:
    _choose(lambda chosen: [kind for kind in chosen if kind != DUE])
    op.execute(sa.text("DELETE FROM happenings WHERE kind = 'deletion.due'"))
    for table in (
        *("to_delete", "deletions", "deletion_notices", "keeps", "study_rules"),
        *("workspace_rules", "receipts"),
    ):
        op.drop_table(table)
    with op.batch_alter_table("recordings", schema=None) as batch_op:
        batch_op.drop_column("deleted_at")
