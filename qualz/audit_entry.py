"""The audit log: who saw, downloaded, changed or deleted what. Nothing is ever taken out of it.

Each entry holds the hash of the one before it, so that a changed, missing or inserted entry shows
(Haber & Stornetta, “How to time-stamp a digital document”, 1991). The hash of an entry is the
SHA-256 of its JSON (keys in order, no spaces, UTF-8) with all of its columns but `hash` itself.
The database refuses to change entries; whoever may change the database itself can also write the
whole chain anew, which only shows against a hash that was kept elsewhere: see `breaks`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from sqlalchemy import (
    DDL,
    Index,
    Integer,
    String,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from qualz import clock
from qualz.database import Model, db, word

# Entries that are read in one go.
AT_A_TIME = 1000
LONGEST_NAME = 200

# What follows is also in migration 0024: a change here needs another one there.
REFUSED = "the audit log is only ever added to"
SQLITE = (
    "CREATE TRIGGER audit_entries_unchanged BEFORE UPDATE ON audit_entries "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
    "CREATE TRIGGER audit_entries_kept BEFORE DELETE ON audit_entries "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
    # INSERT OR REPLACE deletes without a word to the trigger above.
    "CREATE TRIGGER audit_entries_added BEFORE INSERT ON audit_entries "  # nosec B608 # a text of ours
    "WHEN EXISTS (SELECT 1 FROM audit_entries WHERE id >= NEW.id) "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
)
POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION refuse_to_change_the_audit_log() RETURNS trigger AS $$ "
    f"BEGIN RAISE EXCEPTION '{REFUSED}'; END $$ LANGUAGE plpgsql",
    "CREATE TRIGGER audit_entries_unchanged BEFORE UPDATE OR DELETE ON audit_entries "
    "FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_audit_log()",
    "CREATE TRIGGER audit_entries_kept BEFORE TRUNCATE ON audit_entries "
    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_audit_log()",
)
FIRST_HEAD = "INSERT INTO audit_heads (id, entries, hash) VALUES (1, 0, '')"


class Action(StrEnum):
    """What somebody did, by the words that the page shows."""

    VIEWED = "viewed"
    PLAYED = "played"
    DOWNLOADED = "downloaded"
    EXPORTED = "exported"
    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    REINVITED = "reinvited"
    REVOKED = "revoked"
    TRIED = "tried"
    SIGNED_IN = "signed in"
    SIGNED_OUT = "signed out"
    REFUSED = "was refused"
    JOINED = "joined"
    RETURNED = "returned"
    FINISHED = "finished"
    WITHDREW = "withdrew"


class By(StrEnum):
    """What kind of actor it was."""

    RESEARCHER = "researcher"
    API = "api"
    PARTICIPANT = "participant"
    SYSTEM = "system"
    NOBODY = "nobody"


class AuditEntry(Model):
    """One act. It names people and things as they were, and points to no row: it outlives them.

    `study` and `interview` are public ids. What was said, and participants' names, are never in
    an entry.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_study", "study", "id"),
        Index("ix_audit_entries_who", "who_id", "id"),
        Index("ix_audit_entries_what", "object_id", "action", "at"),
    )

    # Without holes, from 1.
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(index=True)
    by: Mapped[By] = mapped_column(word(By))
    who_id: Mapped[int | None]
    who: Mapped[str] = mapped_column(String(LONGEST_NAME))
    address: Mapped[str] = mapped_column(String(64))
    action: Mapped[Action] = mapped_column(word(Action))
    object_kind: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[str] = mapped_column(String(64))
    study: Mapped[str | None] = mapped_column(String(24))
    interview: Mapped[str | None] = mapped_column(String(24))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    # What the hash is of.
    TOLD: ClassVar = (
        "id",
        "at",
        "by",
        "who_id",
        "who",
        "address",
        "action",
        "object_kind",
        "object_id",
        "study",
        "interview",
        "detail",
        "previous",
    )

    @classmethod
    def append(
        cls,
        action: Action,
        object_kind: str,
        object_id: str = "",
        *,
        by: By = By.SYSTEM,
        who_id: int | None = None,
        who: str = "",
        address: str = "",
        study: str | None = None,
        interview: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> Self:
        """With the present transaction, or not at all. Others who append wait until it ends, so
        that the chain has one end: do it last, and commit."""
        taken = (
            update(Head)
            .where(Head.id == 1)
            .values(entries=Head.entries + 1)
            .returning(Head.entries, Head.hash)
        )
        number, previous = db.session.execute(
            taken, execution_options={"synchronize_session": False}
        ).one()
        entry = cls(
            id=number,
            at=clock.now(),
            by=by,
            who_id=who_id,
            # As the database keeps them, or the hash would be of something else.
            who=who.replace("\0", "")[:LONGEST_NAME],
            address=address[:64],
            action=action,
            object_kind=object_kind,
            object_id=object_id.replace("\0", "")[:64],
            study=study,
            interview=interview,
            detail=detail or {},
            previous=previous,
        )
        entry.hash = entry.digest
        columns = {name: getattr(entry, name) for name in [*cls.TOLD, "hash"]}
        db.session.execute(insert(cls).values(**columns))
        db.session.execute(
            update(Head).where(Head.id == 1).values(hash=entry.hash),
            execution_options={"synchronize_session": False},
        )
        return entry

    @property
    def told(self) -> dict[str, Any]:
        """All that the hash is of, as JSON takes it."""
        plain = {name: getattr(self, name) for name in self.TOLD}
        return {**plain, "at": self.at.astimezone(UTC).isoformat(timespec="microseconds")}

    @property
    def digest(self) -> str:
        text = json.dumps(self.told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def newest(
        cls,
        action: Action,
        object_kind: str,
        object_id: str,
        *,
        by: By,
        who_id: int | None,
        address: str,
        since: datetime,
    ) -> datetime | None:
        """When the same person did the same to the same, from the same place, since then."""
        same = select(cls.at).where(
            cls.object_id == object_id,
            cls.action == action,
            cls.at > since,
            cls.object_kind == object_kind,
            cls.by == by,
            cls.who_id == who_id,
            cls.address == address,
        )
        return db.session.scalar(same.order_by(cls.at.desc()).limit(1))


class Head(Model):
    """Where the chain ends: one row, by which those who append wait for each other."""

    __tablename__ = "audit_heads"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    entries: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


def breaks(expected: tuple[int, str] | None = None) -> Iterator[str]:
    """What is wrong with the chain, in words; nothing where all is well.

    `expected` is the number and the hash of an entry as they were noted down elsewhere.
    """
    last, previous = 0, ""
    seen_as_noted = False
    while entries := db.session.scalars(
        select(AuditEntry).where(AuditEntry.id > last).order_by(AuditEntry.id).limit(AT_A_TIME)
    ).all():
        for entry in entries:
            if entry.id != last + 1:
                yield _missing(last + 1, entry.id - 1)
            elif entry.previous != previous:
                yield f"Entry {entry.id} does not follow on the one before it."
            if entry.digest != entry.hash:
                yield f"Entry {entry.id} was changed."
            seen_as_noted |= (entry.id, entry.hash) == expected
            last, previous = entry.id, entry.hash
        db.session.expunge_all()
    head = db.session.get(Head, 1)
    if head is None:
        yield "The row that says where the log ends is missing."
    elif head.entries > last:
        yield _missing(last + 1, head.entries)
    elif (head.entries, head.hash) != (last, previous):
        yield f"Entry {last} is not where the log is said to end."
    if expected and not seen_as_noted:
        yield f"Entry {expected[0]} is not the one that was noted down."


def _missing(first: int, last: int) -> str:
    return f"Entry {first} is missing." if first == last else f"Entries {first}–{last} are missing."


def _along_with(table: Any, moment: str, statement: str, dialect: str | None = None) -> None:
    # A percent sign would be a placeholder to it.
    ddl = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    event.listen(table, moment, ddl.execute_if(dialect=dialect) if dialect else ddl)


for _statement in SQLITE:
    _along_with(AuditEntry.__table__, "after_create", _statement, "sqlite")
for _statement in POSTGRESQL:
    _along_with(AuditEntry.__table__, "after_create", _statement, "postgresql")
_along_with(Head.__table__, "after_create", FIRST_HEAD)
