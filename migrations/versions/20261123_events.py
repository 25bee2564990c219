"""events and services

Revision ID: 0005
Revises: 0004

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

EVENTS = sa.table(
    "events",
    sa.column("interview_id", sa.Integer()),
    sa.column("position", sa.Integer()),
    sa.column("kind", sa.String()),
    sa.column("payload", sa.JSON()),
    sa.column("at", sa.DateTime()),
)


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interview_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["interview_id"],
            ["interviews.id"],
            name=op.f("fk_events_interview_id_interviews"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint(
            "interview_id", "position", name=op.f("uq_events_interview_id_position")
        ),
    )
    op.create_table(
        "services",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("has_key", sa.Boolean(), nullable=False),
        sa.Column("manners", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_services")),
        sa.UniqueConstraint("kind", name=op.f("uq_services_kind")),
    )
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("probing", sa.String(length=32), nullable=False, server_default="adaptive")
        )
        batch_op.add_column(
            sa.Column("most_follow_ups", sa.Integer(), nullable=False, server_default="30")
        )
    _tell_of_those_that_began_before()


def downgrade() -> None:
    with op.batch_alter_table("studies", schema=None) as batch_op:
        batch_op.drop_column("most_follow_ups")
        batch_op.drop_column("probing")

    op.drop_table("services")
    op.drop_table("events")


def _tell_of_those_that_began_before() -> None:
    """Interviews of the version before have turns and no events: they get those that tell them."""
    connection = op.get_bind()
    interviews = connection.execute(
        sa.text(
            "SELECT interviews.id, consented_at, completed_at, ended_early, interviews.state,"
            " interviews.time_limit_minutes, language, objective, ending_text"
            " FROM interviews JOIN studies ON studies.id = interviews.study_id"
        ).columns(consented_at=sa.DateTime(), completed_at=sa.DateTime(), ended_early=sa.Boolean())
    ).all()
    turns = defaultdict(list)
    for turn in connection.execute(
        sa.text(
            "SELECT interview_id, position, key, speaker, act, manner, question_id, text, said_at,"
            " begins_ms, ends_ms FROM turns ORDER BY interview_id, position"
        ).columns(said_at=sa.DateTime())
    ):
        turns[turn.interview_id].append(turn)
    for interview in interviews:
        rows = [
            {"interview_id": interview.id, "position": position, **told}
            for position, told in enumerate(_events(interview, turns[interview.id]), start=1)
        ]
        connection.execute(EVENTS.insert(), rows)


def _events(interview, turns):
    terms = {
        "language": interview.language,
        "seconds": interview.time_limit_minutes * 60,
        "aim": interview.objective,
        "ending": interview.ending_text,
    }
    yield {"kind": "began", "payload": terms, "at": interview.consented_at}
    to = None
    for turn in turns:
        if turn.speaker == "moderator":
            to = turn.position
            told = {"turn": to, "act": turn.act or "question", "text": turn.text}
            told["question"] = turn.question_id
            yield {"kind": "said", "payload": told, "at": turn.said_at}
        elif to is not None:
            told = {"to": to, "turn": turn.position, "key": turn.key or f"turn-{turn.position}"}
            told |= {"manner": turn.manner or "typed", "text": turn.text or ""}
            told["seconds"] = max(0, (turn.ends_ms or 0) - (turn.begins_ms or 0)) / 1000
            yield {"kind": "answered", "payload": told, "at": turn.said_at}
            to = None
    if interview.completed_at and interview.state == "completed":
        how = "stopped" if interview.ended_early else "finished"
        yield {"kind": "ended", "payload": {"how": how}, "at": interview.completed_at}
