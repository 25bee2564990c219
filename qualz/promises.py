"""Promises: what a rule of `retention` reaches, the notice a week before, and what is to go now.

A rule never reaches an interview that may still go on, one that its participant took back, or one
that somebody keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, or_, select, update

from qualz import clock
from qualz.database import db, rows_changed
from qualz.happening import Happening, Kind
from qualz.interview import Interview
from qualz.part import Part
from qualz.personal_link import PersonalLink
from qualz.recording import Recording
from qualz.retention import Keep, Notice, Reach, StudyRule, WorkspaceRule, kept, terms_of
from qualz.study import Study

NOTICE = timedelta(days=7)
# A day's interviews are told of at once, so that nobody hears of each by itself; whoever is told
# of then has a week at least.
A_BATCH = timedelta(days=1)
LOOKED_AT_EVERY = timedelta(minutes=10)
# Who agreed to take part and never began is not waited for that long either.
OVER = (Interview.State.COMPLETED, Interview.State.ABANDONED, Interview.State.JOINED)


# ---- what is due


ended_at: ColumnElement[datetime] = case(
    (Interview.state == Interview.State.COMPLETED, Interview.completed_at),
    else_=func.coalesce(Interview.interrupted_at, Interview.last_seen_at, Interview.consented_at),
)


def due(study: Study, reach: Reach, by: datetime) -> list[ColumnElement[bool]] | None:
    """Which interviews of the study are to go by that moment, as conditions; None for none."""
    terms = terms_of(study)
    days = terms.days(reach)
    if days is None or terms.since is None or terms.since + NOTICE + A_BATCH > by:
        return None
    # Set anew after it was let go of, an interview is told of anew.
    spared = exists().where(
        Keep.interview_id == Interview.id,
        or_(Keep.ended_at.is_(None), Keep.ended_at > by - NOTICE - A_BATCH),
    )
    conditions = [
        Interview.study_id == study.id,
        Interview.is_preview.is_(False),
        Interview.state.in_(OVER),
        ended_at <= by - timedelta(days=days),
        ~spared,
    ]
    if reach is Reach.RECORDINGS:
        conditions.append(has_recording())
    return conditions


def has_recording() -> ColumnElement[bool]:
    held = and_(Recording.interview_id == Interview.id, Part.recording_id == Recording.id)
    return exists().where(held).correlate(Interview)


def due_at(interview: Interview) -> list[tuple[Reach, datetime]]:
    """When it goes by the rule, the earliest first; nothing for what is kept or may go on."""
    if interview.state not in OVER or interview.is_preview or kept(interview):
        return []
    terms, known = terms_of(interview.study), db.session.get(Keep, interview.id)
    changes = [terms.since, known.ended_at if known else None]
    earliest = [at + NOTICE + A_BATCH for at in changes if at is not None]
    found = []
    for reach in Reach:
        days = terms.days(reach)
        if days is not None and (reach is Reach.EVERYTHING or interview.recording.parts):
            found.append((reach, max([_ended(interview) + timedelta(days=days), *earliest])))
    return sorted(found, key=lambda one: one[1])


def _ended(interview: Interview) -> datetime:
    if interview.completed_at and interview.state is Interview.State.COMPLETED:
        return interview.completed_at
    return interview.interrupted_at or interview.last_seen_at or interview.consented_at


def upcoming(study: Study) -> list[tuple[Reach, int, datetime]]:
    """How many go within about a week, and when the first of them does."""
    now, found = clock.now(), []
    for reach in Reach:
        conditions = due(study, reach, now + NOTICE + A_BATCH)
        if conditions is not None:
            counted = select(func.count(Interview.id), func.min(ended_at)).where(*conditions)
            count, first = db.session.execute(counted).one()
            if count:
                found.append((reach, count, max(now, _day_of(first, study, reach))))
    return found


# ---- the notice, and the end of it


def is_time_to_look() -> bool:
    """Once in a while, for one sweep alone; at once after a rule was changed. The caller commits.

    Without a rule anywhere there is nothing to look for."""
    rule = db.session.get(WorkspaceRule, 1)
    if rule is None or (rule.looked_at and rule.looked_at > clock.now() - LOOKED_AT_EVERY):
        return False
    as_it_was = WorkspaceRule.looked_at.is_not_distinct_from(rule.looked_at)
    mine = update(WorkspaceRule).where(WorkspaceRule.id == 1, as_it_was)
    return bool(rows_changed(mine.values(looked_at=clock.now())))


def ruled() -> Iterator[Study]:
    """The studies that a rule reaches."""
    held = select(Study).outerjoin(StudyRule, StudyRule.study_id == Study.id)
    if WorkspaceRule.now().terms.keeps_all:
        held = held.where(StudyRule.study_id.is_not(None))
    yield from db.session.scalars(held.order_by(Study.id)).all()


def give_notice(study: Study) -> None:
    """Of what is due within the week and was not told of yet, with the present transaction."""
    now = clock.now()
    for reach in Reach:
        told = _told_until(study, reach, now)
        until = now + NOTICE + A_BATCH
        conditions = due(study, reach, until)
        if conditions is None or (told and told >= now + NOTICE):
            continue
        earlier = due(study, reach, told) if told else None
        if earlier is not None:
            conditions.append(~and_(*earlier))
        newest = select(Interview).where(*conditions).order_by(Interview.number.desc()).limit(1)
        count = db.session.scalar(select(func.count(Interview.id)).where(*conditions))
        with_one = db.session.scalar(newest)
        if with_one is None:
            continue
        db.session.add(Notice(study_id=study.id, reach=reach, until=until))
        first = db.session.scalar(select(func.min(ended_at)).where(*conditions))
        on = max(_day_of(first, study, reach), now + NOTICE)
        Happening.note(with_one, Kind.DELETION_DUE, f"{reach}/{on:%Y-%m-%d}/{count}")


def _day_of(ended: datetime | None, study: Study, reach: Reach) -> datetime:
    terms = terms_of(study)
    since = (terms.since or clock.now()) + NOTICE + A_BATCH
    return max(since, (ended or since) + timedelta(days=terms.days(reach) or 0))


def _told_until(study: Study, reach: Reach, by: datetime) -> datetime | None:
    """Up to when what is due was told of at that moment."""
    mine = (Notice.study_id == study.id, Notice.reach == reach, Notice.at <= by)
    return db.session.scalar(select(func.max(Notice.until)).where(*mine))


def forget_who_never_began(study: Study) -> None:
    """Whoever was invited by a personal link and never began is known by name all the same. They
    go after as many days as everything, from when they were last heard of or written to."""
    now, terms = clock.now(), terms_of(study)
    if terms.everything is None or terms.since is None or terms.since + NOTICE + A_BATCH > now:
        return
    before = now - timedelta(days=terms.everything)
    moments = (PersonalLink.created_at, PersonalLink.renewed_at, PersonalLink.opened_at)
    old = [or_(moment.is_(None), moment <= before) for moment in moments]
    mine = (PersonalLink.study_id == study.id, PersonalLink.interview_id.is_(None), *old)
    # Looked for first: a DELETE would hold the database even where there is nothing to do.
    if db.session.scalar(select(PersonalLink.id).where(*mine).limit(1)) is not None:
        db.session.execute(delete(PersonalLink).where(*mine))


def to_go(study: Study, reach: Reach) -> list[ColumnElement[bool]] | None:
    """Which interviews are to go now: they are due, and that was told a week ago."""
    now = clock.now()
    told = _told_until(study, reach, now - NOTICE)
    return None if told is None else due(study, reach, min(now, told))


def ids_to_go(study: Study, reach: Reach) -> Sequence[int]:
    conditions = to_go(study, reach)
    if conditions is None:
        return ()
    return db.session.scalars(select(Interview.id).where(*conditions).order_by(Interview.id)).all()
