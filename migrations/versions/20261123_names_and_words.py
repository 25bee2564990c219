"""names and words

Revision ID: 0006
Revises: 0005

A migration runs while the version before it may still be serving: add first, remove a release
later; give new columns a default; never rename.
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# As in `qualz/search.py` at the time.
SQLITE = (
    "CREATE VIRTUAL TABLE searchables_index USING fts5("
    "words, content='searchables', content_rowid='interview_id', "
    "tokenize='unicode61', prefix='1 2 3', detail='none')",
    "CREATE TRIGGER searchables_added AFTER INSERT ON searchables BEGIN "
    "INSERT INTO searchables_index(rowid, words) VALUES (new.interview_id, new.words); END",
    "CREATE TRIGGER searchables_removed AFTER DELETE ON searchables BEGIN "
    "INSERT INTO searchables_index(searchables_index, rowid, words) "
    "VALUES ('delete', old.interview_id, old.words); END",
    "CREATE TRIGGER searchables_changed AFTER UPDATE ON searchables BEGIN "
    "INSERT INTO searchables_index(searchables_index, rowid, words) "
    "VALUES ('delete', old.interview_id, old.words); "
    "INSERT INTO searchables_index(rowid, words) VALUES (new.interview_id, new.words); END",
)
POSTGRESQL = (
    "CREATE INDEX ix_searchables_words ON searchables "
    "USING gin (array_to_tsvector(string_to_array(words, ' ')))"
)
WORD = re.compile(r"[^\W_]+")


def upgrade() -> None:
    with op.batch_alter_table("interviews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", sa.String(length=120), nullable=True))
    searchables = op.create_table(
        "searchables",
        sa.Column("interview_id", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["interview_id"],
            ["interviews.id"],
            name=op.f("fk_searchables_interview_id_interviews"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("interview_id", name=op.f("pk_searchables")),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE if is_sqlite else (POSTGRESQL,):
        op.execute(sa.text(statement.replace(":", r"\:")))
    _index_what_is_there(searchables)


def _index_what_is_there(searchables: sa.Table) -> None:
    connection = op.get_bind()
    for number, interview_id in connection.execute(
        sa.text("SELECT number, id FROM interviews")
    ).all():
        words = {"participant", str(number)}
        said = sa.text("SELECT text FROM turns WHERE interview_id = :id")
        for text in connection.execute(said, {"id": interview_id}).scalars():
            words.update(_words(text or ""))
        row = {"interview_id": interview_id, "words": " ".join(sorted(words))}
        connection.execute(searchables.insert(), row)


def _words(text: str) -> list[str]:
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in apart if not unicodedata.combining(char))
    return [word[:60] for word in WORD.findall(plain)]


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE searchables_index")
    op.drop_table("searchables")
    with op.batch_alter_table("interviews", schema=None) as batch_op:
        batch_op.drop_column("name")
