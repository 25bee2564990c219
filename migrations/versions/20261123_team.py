"""team

Revision ID: 0020
Revises: 0019

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("researchers", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("role", sa.String(length=32), nullable=False, server_default="researcher")
        )
        batch_op.add_column(
            sa.Column("is_guest", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("left_at", sa.DateTime(), nullable=True))
    # Whoever was here first made this Qualz.
    op.execute("UPDATE researchers SET role = 'owner' WHERE id = (SELECT min(id) FROM researchers)")
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_for_team", sa.Boolean(), nullable=False, server_default=sa.true())
        )
    # What people made while everybody saw only their own stays their own, until they open it.
    op.execute(
        "UPDATE studies SET is_for_team = false WHERE (SELECT count(*) FROM researchers) > 1"
    )
    op.create_table(
        "study_access",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("researcher_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["studies.id"],
            name=op.f("fk_study_access_study_id_studies"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["researcher_id"],
            ["researchers.id"],
            name=op.f("fk_study_access_researcher_id_researchers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "researcher_id", name=op.f("pk_study_access")),
    )
    with op.batch_alter_table("study_access", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_study_access_researcher_id"), ["researcher_id"], unique=False
        )
    op.create_table(
        "team_invitations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=24), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("is_guest", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("studies", sa.JSON(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("used_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["made_by_id"],
            ["researchers.id"],
            name=op.f("fk_team_invitations_made_by_id_researchers"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["used_by_id"],
            ["researchers.id"],
            name=op.f("fk_team_invitations_used_by_id_researchers"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_invitations")),
        sa.UniqueConstraint("public_id", name=op.f("uq_team_invitations_public_id")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_team_invitations_token_digest")),
    )
    with op.batch_alter_table("team_invitations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_team_invitations_created_at"), ["created_at"], unique=False
        )


def downgrade() -> None:
    op.drop_table("team_invitations")
    op.drop_table("study_access")
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.drop_column("is_for_team")
    with op.batch_alter_table("researchers", schema=None) as batch_op:
        for name in ("left_at", "is_guest", "role"):
            batch_op.drop_column(name)
