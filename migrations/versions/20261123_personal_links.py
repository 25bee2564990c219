"""personal links

Revision ID: 0018
Revises: 0017

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "personal_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=24), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("interview_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("sought", sa.String(length=375), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("renewed_at", sa.DateTime(), nullable=True),
        sa.Column("opened_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interview_id"],
            ["interviews.id"],
            name=op.f("fk_personal_links_interview_id_interviews"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["studies.id"],
            name=op.f("fk_personal_links_study_id_studies"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_links")),
        sa.UniqueConstraint("interview_id", name=op.f("uq_personal_links_interview_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_personal_links_public_id")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_personal_links_token_digest")),
    )
    with op.batch_alter_table("personal_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_personal_links_study_id"), ["study_id"])
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.add_column(sa.Column("embedders", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("resume_links", schema=None) as batch_op:
        batch_op.add_column(sa.Column("researcher_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("replaced_by_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_resume_links_researcher_id_researchers"),
            "researchers",
            ["researcher_id"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_resume_links_replaced_by_id_resume_links"),
            "resume_links",
            ["replaced_by_id"],
            ["id"],
            ondelete="SET NULL",
        )


def downgrade() -> None:
    with op.batch_alter_table("resume_links", schema=None) as batch_op:
        for to in ("replaced_by_id_resume_links", "researcher_id_researchers"):
            batch_op.drop_constraint(batch_op.f(f"fk_resume_links_{to}"), type_="foreignkey")
        batch_op.drop_column("replaced_by_id")
        batch_op.drop_column("researcher_id")
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.drop_column("embedders")
    op.drop_table("personal_links")
