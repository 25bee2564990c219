"""Fills a study with a sample: many rows at a time, and files that share their bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from qualz import clock
from qualz.database import db
from qualz.drop import Drop
from qualz.errors import WrongState
from qualz.event import Event
from qualz.interview import Interview
from qualz.part import Part
from qualz.recording import Recording
from qualz.sample import script
from qualz.sample.people import Person, person
from qualz.search import Searchable, in_one_row, words_of
from qualz.study import Camera, Study
from qualz.turn import Turn

if TYPE_CHECKING:
    from qualz.media.storage import Storage
    from qualz.researcher import Researcher
    from qualz.sample.takes import Take

# Interviews in one transaction, and the weeks over which all of them are spread.
AT_A_TIME = 200
SPREAD = timedelta(weeks=6)
# Else rows with different gaps are inserted one by one.
TOGETHER = {"render_nulls": True}

_folded = lru_cache(maxsize=20_000)(lambda text: tuple(words_of(text)))


class NotASample(WrongState):
    """Real interviews and made-up ones are never in one study."""


def start(researcher: Researcher) -> Study:
    """An empty sample, open to participants as well."""
    study = Study.start(
        researcher,
        title=script.TITLE,
        objective=script.OBJECTIVE,
        camera=Camera.OFF_BY_DEFAULT,
        is_sample=True,
    )
    study.revise_guide(script.guide())
    study.open()
    study.guide.freeze()
    db.session.flush()
    return study


def samples_of(researcher: Researcher) -> Sequence[Study]:
    mine = select(Study).where(Study.researcher_id == researcher.id, Study.is_sample.is_(True))
    return db.session.scalars(mine.order_by(Study.id)).all()


def demand_sample(study: Study) -> None:
    """Raises `NotASample` for a study that real people may have taken part in."""
    if not study.is_sample:
        raise NotASample(
            f"“{study.name}” is no sample, so nothing is added to it: nobody could tell real "
            "interviews from made-up ones."
        )


def fill(
    study: Study,
    takes: Sequence[Take],
    *,
    interviews: int,
    turns: int,
    storage: Storage,
    on_step: Callable[[int], None] = lambda done: None,
) -> None:
    """Add so many interviews of about so many turns. Commits, some at a time.

    `on_step` is told how many there are. Raises `NotASample`.
    """
    demand_sample(study)
    study_id, guide_id, terms = study.id, study.guide.id, study.terms
    known = {
        "study_id": study_id,
        "guide_id": guide_id,
        "time_limit_minutes": study.time_limit_minutes,
        "consent_text": study.consent_text,
    }
    last = select(func.max(Interview.number)).where(Interview.study_id == study_id)
    first = max(0, db.session.scalar(last) or 0) + 1
    db.session.commit()
    now = clock.now()
    for at in range(0, interviews, AT_A_TIME):
        some = [
            person(first + place, moment, now, turns, takes[place % len(takes)], terms)
            for place, moment in _moments(at, min(at + AT_A_TIME, interviews), interviews, now)
        ]
        for one in some:
            _put_files(one, storage)
        _insert(some, known)
        db.session.commit()
        on_step(at + len(some))


def _moments(first: int, end: int, count: int, now: datetime) -> Iterator[tuple[int, datetime]]:
    """When each came, the last of them an hour ago."""
    step = (SPREAD - timedelta(hours=1)) / max(1, count)
    for place in range(first, end):
        yield place, now - timedelta(hours=1) - (count - 1 - place) * step


def _put_files(one: Person, storage: Storage) -> None:
    """Files first: what a process that dies leaves has no row that promises it."""
    if one.take is None:
        return
    folder = f"interviews/{one.interview['public_id']}"
    for clip, part in zip(one.take.clips, one.parts, strict=True):
        storage.share(clip.path, f"{folder}/part-{part['number']:03d}-{part['public_id']}.webm")
    if name := one.recording["full_session"]:
        storage.share(one.take.full, name)
        for ending, path in one.take.illustrations.items():
            storage.share(path, f"{name.rpartition('.')[0]}.{ending}")


def _insert(some: Sequence[Person], known: dict[str, Any]) -> None:
    ids = _add(Interview, [one.interview | known for one in some])
    recordings = _add(
        Recording,
        [{**EMPTY, **one.recording, "interview_id": id} for one, id in zip(some, ids, strict=True)],
    )
    parts = [
        part | {"recording_id": recording}
        for one, recording in zip(some, recordings, strict=True)
        for part in one.parts
    ]
    part_ids = iter(_add(Part, parts))
    turns, more = [], {Event: [], Drop: [], Searchable: []}  # type: ignore[var-annotated]
    for one, id in zip(some, ids, strict=True):
        mine = [next(part_ids) for _ in one.parts]
        for turn in one.turns:
            row = {name: value for name, value in turn.items() if name != "part"}
            turns.append(row | {"interview_id": id, "part_id": mine[turn["part"]]})
        more[Event] += [event | {"interview_id": id} for event in one.events]
        more[Drop] += [drop | {"interview_id": id} for drop in one.drops]
        more[Searchable].append({"interview_id": id, "words": _words(one)})
    for model, rows in ((Turn, turns), *more.items()):
        if rows:
            db.session.execute(insert(model), rows, execution_options=TOGETHER)


EMPTY = dict.fromkeys(
    ("reason", "full_session", "full_session_type", "report", "ready_at", "illustrated")
)


def _add(model: type[Any], rows: list[dict[str, Any]]) -> list[int]:
    """Their ids, in the order of the rows."""
    if not rows:
        return []
    given = insert(model).returning(model.id, sort_by_parameter_order=True)
    return list(db.session.scalars(given, rows, execution_options=TOGETHER))


def _words(one: Person) -> str:
    names = [f"Participant {one.interview['number']}", one.interview["name"] or ""]
    texts = [*names, *(turn["text"] for turn in one.turns)]
    return in_one_row(word for text in texts for word in _folded(text))
