"""Search: an interview is found by its name and by the words that were said in it.

One row an interview holds its words, written by the domain whenever they change. The database
indexes that row by itself, so nothing can be said, renamed or deleted without the index knowing:
SQLite by FTS5 (https://sqlite.org/fts5.html), PostgreSQL by a GIN index over the words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    DDL,
    ColumnElement,
    ForeignKey,
    Select,
    Text,
    event,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qualz.database import Model, db

if TYPE_CHECKING:
    from qualz.interview import Interview

WORD = re.compile(r"[^\W_]+")
# Vowel signs and tones that became letters after Unicode 6.1, by which FTS5 tells words apart.
SIGNS = {*map(chr, range(0x19B0, 0x19C1)), *"\u19c8\u19c9\u1cf2\u1cf3"}
# Longer ones are no words but pasted noise, and lexemes of PostgreSQL end at 2 kB.
LONGEST_WORD = 60
# Of the index, that are written in one go when it forgets, and how often at most.
PAGES_AT_A_TIME, MOST_ROUNDS = 200, 10_000
MOST_TERMS = 12

# What follows is also in migration 0006: a change here needs another one there.
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
LEXEMES = "array_to_tsvector(string_to_array(words, ' '))"
POSTGRESQL = f"CREATE INDEX ix_searchables_words ON searchables USING gin ({LEXEMES})"


class Searchable(Model):
    """The words by which an interview is found: folded, each once, apart by single spaces."""

    __tablename__ = "searchables"

    interview_id: Mapped[int] = mapped_column(
        ForeignKey("interviews.id", ondelete="CASCADE"), primary_key=True
    )
    words: Mapped[str] = mapped_column(Text, default="")

    interview: Mapped[Interview] = relationship(back_populates="searchable")

    def hold(self, texts: Iterable[str]) -> None:
        self.words = in_one_row(word for text in texts for word in words_of(text))


def in_one_row(words: Iterable[str]) -> str:
    """As the index wants them."""
    return " ".join(sorted(set(words)))


def words_of(text: str) -> list[str]:
    """Its words without case, accents and vowel signs: “Él prefería” is found by “el prefer”."""
    plain = text.casefold()
    if not plain.isascii():
        apart = unicodedata.normalize("NFKD", plain)
        plain = "".join(char for char in apart if not _is_mark(char))
    return [word[:LONGEST_WORD] for word in WORD.findall(plain)]


def _is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith("M") or char in SIGNS


def found_by(query: str) -> Select[Any] | None:
    """The ids of the interviews that hold all words of a query, each from its beginning.

    None where there is no word to look for.
    """
    terms = words_of(query)[:MOST_TERMS]
    if not terms:
        return None
    if db.engine.dialect.name == "sqlite":
        matching = " AND ".join(f'"{term}"*' for term in terms)
        index = text("searchables_index MATCH :matching").bindparams(matching=matching)
        return select(literal_column("rowid")).select_from(text("searchables_index")).where(index)
    matching = " & ".join(f"'{term}':*" for term in terms)
    words: ColumnElement[Any] = literal_column(LEXEMES)
    query_ = func.to_tsquery(literal_column("'simple'"), matching)
    return select(Searchable.interview_id).where(words.op("@@")(query_))


def forget() -> None:
    """Have the index let go of words that were deleted: SQLite only notes down at first that they
    are gone. A few pages at a time, so that others may write in between. Commits."""
    if db.engine.dialect.name != "sqlite":
        return
    index = "INSERT INTO searchables_index(searchables_index, rank) VALUES ('merge', :pages)"
    # The first one marks what is to be merged (https://sqlite.org/fts5.html#the_merge_command).
    for pages in chain([-PAGES_AT_A_TIME], repeat(PAGES_AT_A_TIME, MOST_ROUNDS)):
        before = _changes()
        db.session.execute(text(index), {"pages": pages})
        is_done = _changes() - before < 2
        db.session.commit()
        if is_done:
            return


def _changes() -> int:
    return int(db.session.scalar(text("SELECT total_changes()")) or 0)


def _along_with_its_table(moment: str, statement: str, dialect: str) -> None:
    ddl = DDL(statement)  # type: ignore[no-untyped-call]
    event.listen(Searchable.__table__, moment, ddl.execute_if(dialect=dialect))


for _statement in SQLITE:
    _along_with_its_table("after_create", _statement, "sqlite")
_along_with_its_table("after_create", POSTGRESQL, "postgresql")
_along_with_its_table("before_drop", "DROP TABLE IF EXISTS searchables_index", "sqlite")
