"""Removal: an interview or a study goes for good, rows first and then files.

A process that dies in between leaves files that no row names; the other way round a row would
promise what is not there. Whatever works on a recording meanwhile finds out that it is gone and
clears away what it made.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, delete, exists, or_, select, update

from qualz import clock, search
from qualz.bundle import Bundle
from qualz.consent import ConsentText
from qualz.database import db, empty_log
from qualz.excerpt import Excerpt
from qualz.guide import Guide
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.invitation import Invitation
from qualz.merge import Merge
from qualz.part import Part, is_part
from qualz.personal_link import PersonalLink
from qualz.receipt import Facts, Receipt, What, Why, facts_of
from qualz.recording import Recording
from qualz.rendition import Rendition
from qualz.said import said_in
from qualz.stimuli import folder_of
from qualz.study import Study
from qualz.tag import Tag
from qualz.turn import Turn

if TYPE_CHECKING:
    from qualz.media.storage import Storage

log = logging.getLogger(__name__)

# Interviews that are deleted in one transaction.
AT_A_TIME = 20
# By then whoever removes an interview has deleted its rows, or never will, and whoever worked on
# it has found out.
SETTLED = timedelta(minutes=5)
# Folders that are looked at once more in one round of the sweep.
A_ROUND = 200


def remove_interview(interview: Interview, storage: Storage, why: Why | None = None) -> None:
    """With its recording, its transcript and its links. Leaves a receipt. Commits."""
    for _ in remove_interviews([interview.id], storage, why):
        pass


def remove_interviews(
    interviews: Sequence[int],
    storage: Storage,
    why: Why | None = None,
    *only: ColumnElement[bool],
) -> Iterator[int]:
    """Many, by their ids, a few at a time: whoever else writes waits for no more than those. Only
    those for which it holds at that very moment that `only`.

    Answers how many are gone so far. Commits. What a process that dies leaves is cleared away by
    the sweep; those that it did not come to are still there.
    """
    why = why or Why()
    for start in range(0, len(interviews), AT_A_TIME):
        some = interviews[start : start + AT_A_TIME]
        facts = facts_of(some)
        db.session.commit()
        storage.mean_to_delete(*(one.folder for one in facts))
        # By the database's own cascades: nothing of them need be read for that.
        doomed = delete(Interview).where(Interview.id.in_(some), *only).returning(Interview.id)
        gone = set(db.session.scalars(doomed).all())
        Receipt.write((one for one in facts if one.id in gone), What.INTERVIEW, why)
        db.session.commit()
        _clear_all([one for one in facts if one.id in gone], storage)
        yield start + len(some)


def _clear_all(gone: Sequence[Facts], storage: Storage) -> None:
    # A voice, a merge or a request that is under way may write there once more.
    for one in gone:
        clear(one.folder, storage, for_good=False)


def remove_recordings(
    interviews: Sequence[int],
    storage: Storage,
    why: Why | None = None,
    *only: ColumnElement[bool],
) -> Iterator[int]:
    """Their parts and all that was made of them, as `remove_interviews` does; what was said stays
    with its times, and so does that there was a recording."""
    why = why or Why()
    for start in range(0, len(interviews), AT_A_TIME):
        some = interviews[start : start + AT_A_TIME]
        facts = facts_of(some)
        db.session.commit()
        storage.mean_to_delete(*(one.folder for one in facts))
        # Locked, for who comes back at this moment comes before or after.
        locked = update(Interview).where(Interview.id.in_(some), *only)
        held = locked.values(withdrawn_at=Interview.withdrawn_at).returning(Interview.id)
        gone = set(db.session.scalars(held, execution_options={"synchronize_session": False}).all())
        for interview_id in gone:
            forget_recording(db.session.get_one(Interview, interview_id, populate_existing=True))
        Receipt.write((one for one in facts if one.id in gone), What.RECORDING, why)
        # From the next line on somebody may come back, and their files lie in the same folder.
        there = {one.folder: storage.files_in(one.folder) for one in facts if one.id in gone}
        db.session.commit()
        db.session.expire_all()
        for folder, files in there.items():
            storage.delete_files(folder, files)
        yield start + len(some)


def forget_recording(interview: Interview) -> None:
    """All rows of it but its own. The caller commits, and sees to the files."""
    recording = interview.recording
    times = {one.turn.position: one.begins for one in said_in(interview) if one.begins is not None}
    seconds = recording.seconds
    highlights = select(Highlight.id).join(Highlight.turn).where(Turn.interview_id == interview.id)
    db.session.execute(delete(Excerpt).where(Excerpt.highlight_id.in_(highlights)))
    Bundle.let_go_of(interview)
    for made in (Merge, Rendition, Part):
        db.session.execute(delete(made).where(made.recording_id == recording.id))
    db.session.expire_all()
    recording.state, recording.reason = Recording.State.NONE, None
    recording.forget_full_session()
    recording.report = {"duration": seconds, "parts": [], "turns": times}
    recording.ready_at, recording.deleted_at = None, clock.now()


def remove_previews(study: Study, storage: Storage) -> None:
    """What was tried before is in nobody's way. Commits."""
    tried = select(Interview).where(Interview.study_id == study.id, Interview.is_preview)
    for interview in db.session.scalars(tried).all():
        remove_interview(interview, storage)


def remove_study(
    study: Study, storage: Storage, why: Why | None = None, *, held_interviews: bool = False
) -> None:
    """With all of its interviews. Each leaves a receipt, and so does the study, where it has or
    had any. Commits."""
    study_id, why = study.id, why or Why()
    shown = folder_of(study)
    held = select(Interview.id).where(Interview.study_id == study_id)
    facts = facts_of(db.session.scalars(held).all())
    folders = [*(one.folder for one in facts), Bundle.folder_of(study)]
    storage.mean_to_delete(*folders)
    Receipt.write(facts, What.INTERVIEW, why)
    if facts or held_interviews:
        Receipt.write_of_study(study, why)
    # Interviews point to their guides and consent texts, so they go before them.
    for model in (PersonalLink, Interview, Tag, ConsentText, Invitation, Guide):
        db.session.execute(delete(model).where(model.study_id == study_id))
    db.session.execute(delete(Study).where(Study.id == study_id))
    db.session.commit()
    for folder in folders:
        clear(folder, storage, for_good=False)
    clear(shown, storage)


def go_on(storage: Storage) -> None:
    """Clear away what a process that died had begun to remove, and what came after a removal; then
    have the database forget as well.

    Only what was written down before the rows were deleted: a folder of which the database knows
    nothing may belong to another database, such as the one before a backup was restored.
    """
    meant = list(islice(storage.meant_to_go(since=clock.now() - SETTLED), A_ROUND))
    kept = [folder for folder in meant if _clear_left(folder, storage)]
    if meant and forget():
        for folder in meant:
            if folder in kept or not storage.holds(folder):
                storage.forget_meaning(folder)


def _clear_left(folder: str, storage: Storage) -> bool:
    """Whether the folder is somebody's, for its rows were not deleted after all or its participant
    came back. Then only parts go that no row names any more.

    What is there is listed before the rows are asked for: a part has its row before it has a file,
    so whoever comes back at this moment loses nothing.
    """
    held = storage.files_in(folder)
    public_id = folder.rpartition("/")[2]
    is_owned = _is_owned(public_id)
    if is_owned:
        named = set(_parts_of(public_id))
        held = [file for file in held if is_part(file) and file not in named]
        held = held if named else []
    db.session.commit()
    storage.delete_files(folder, held)
    return is_owned


def _parts_of(public_id: str) -> list[str]:
    """The files of a recording that was deleted once and goes on."""
    held = select(Part).join(Part.recording).join(Recording.interview)
    mine = (Interview.public_id == public_id, Recording.deleted_at.is_not(None))
    parts = db.session.scalars(held.where(*mine))
    return [name for part in parts for name in {part.file, part.kept_as}]


def _is_owned(public_id: str) -> bool:
    """Whether its rows were not deleted after all."""
    has_parts = exists().where(Part.recording_id == Recording.id)
    keeps = or_(Recording.deleted_at.is_(None), has_parts)
    interview = (
        select(Interview.id)
        .join(Interview.recording)
        .where(Interview.public_id == public_id, Interview.withdrawn_at.is_(None), keeps)
    )
    study = select(Study.id).where(Study.public_id == public_id)
    return any(db.session.scalar(named) is not None for named in (interview, study))


def forget() -> bool:
    """Have what was deleted leave the database's files too: the index of words and the log still
    hold it for a while. False where somebody was reading just then, and it is to be tried again.
    """
    search.forget()
    return empty_log()


def clear(folder: str, storage: Storage, *, for_good: bool = True) -> None:
    """Once more where somebody wrote there until just now; the sweep takes what is left then,
    and what comes after this where it is not `for_good`."""
    for _ in range(2):
        try:
            storage.delete_tree(folder)
        except OSError as cause:
            log.warning("Not all of %s went, for it was still written to: %s", folder, cause)
        else:
            if for_good:
                storage.forget_meaning(folder)
            return


def is_confirmed(study: Study, typed: str) -> bool:
    """Whether somebody typed the study's name, as far as people type names exactly."""
    return " ".join(typed.split()).casefold() == " ".join(study.name.split()).casefold()
