"""Duplication: a study begun from another one. What was said in that one stays there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from qualz.database import db, new_public_id
from qualz.guide import Section
from qualz.question import Stimulus
from qualz.stimuli import folder_of, is_of
from qualz.study import Study
from qualz.study_access import StudyAccess, let_into

if TYPE_CHECKING:
    from qualz.media.storage import Storage
    from qualz.researcher import Researcher

LONGEST_TITLE = 200
COPIED = (
    "objective",
    "language",
    "consent_text",
    "camera",
    "time_limit_minutes",
    "probing",
    "most_follow_ups",
    "ending_text",
    "parameters",
    "redirect",
    "embedders",
    "is_for_team",
)


def duplicate(study: Study, storage: Storage, *, by: Researcher) -> Study:
    """A draft with the same guide, texts and settings, and a link of its own; seen by the same
    people."""
    copy = Study.start(
        by,
        title=f"{study.name[: LONGEST_TITLE - 7]} (copy)",
        public_id=new_public_id(),
        **{name: getattr(study, name) for name in COPIED},
    )
    copy.revise_guide(list(_with_own_files(study, copy, storage)))
    db.session.flush()
    makers = () if study.is_for_team else (study.researcher,)
    people = (one for one in (*let_into(study), *makers) if one is not by)
    StudyAccess.let_in(copy, people)
    return copy


def _with_own_files(study: Study, copy: Study, storage: Storage) -> Iterator[Section]:
    for section in study.guide.sections:
        questions = tuple(
            replace(question, stimulus=_own(question.stimulus, study, copy, storage))
            for question in section.questions
        )
        yield replace(section, questions=questions)


def _own(stimulus: Stimulus | None, study: Study, copy: Study, storage: Storage) -> Stimulus | None:
    """A study's files go with it, so the copy shows none of another's."""
    if stimulus is None or not is_of(study, stimulus.source):
        return stimulus
    name = f"{folder_of(copy)}/{stimulus.source.rpartition('/')[2]}"
    if storage.exists(stimulus.source) and not storage.exists(name):
        storage.demand_room(storage.size(stimulus.source))
        with storage.workspace("stimulus") as workspace:
            path = workspace / "file"
            shutil.copyfile(storage.here(stimulus.source), path)
            storage.publish(path, name)
    return replace(stimulus, source=name)
