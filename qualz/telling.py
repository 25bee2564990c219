"""Telling: each happening is handed on to those who may see its study, once, as they chose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import cache

from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from qualz import clock
from qualz.database import db
from qualz.delivery import Delivery
from qualz.happening import Happening
from qualz.interview import Interview
from qualz.mail import Mail
from qualz.notification import Notification, NotificationChoice
from qualz.researcher import Researcher
from qualz.study import Study
from qualz.webhook import Webhook

# What one round hands on, so that none holds the database for long.
AT_A_TIME = 100


def hand_on(*, by_mail: bool, hold: timedelta, address: str) -> set[int]:
    """All that was committed and not told yet. Answers, by id, who has something new to read.

    `by_mail`: there is a mail server. `hold`: how long it is waited for somebody interrupted.
    `address`: where people reach this server. All in one transaction, which the caller commits.
    """
    # Asked once a round, whatever happened in it.
    choice_of: Callable[[int], NotificationChoice] = cache(NotificationChoice.of)
    audience_of: Callable[[Study], Sequence[Researcher]] = cache(lambda study: study.audience)
    webhooks = Webhook.all()
    told: set[int] = set()
    for happening in _untold():
        study = happening.interview.study
        for person in audience_of(study):
            choice = choice_of(person.id)
            if happening.kind in choice.app:
                Notification.give(happening, person.id)
                told.add(person.id)
            is_theirs = study.researcher_id == person.id
            if by_mail and happening.kind in choice.mails(is_theirs=is_theirs):
                Mail.write(happening, person.id, hold=hold)
        for webhook in webhooks:
            if webhook.wants(happening.kind):
                Delivery.send(happening, webhook, address)
    return told


def _untold() -> Iterable[Happening]:
    """In order. Whoever marks a happening as told is the one who tells it."""
    waiting = select(Happening.id).where(Happening.told_at.is_(None)).order_by(Happening.id)
    ids = db.session.scalars(waiting.limit(AT_A_TIME)).all()
    if not ids:
        return ()
    untold = (Happening.id.in_(ids), Happening.told_at.is_(None))
    marked = update(Happening).where(*untold).values(told_at=clock.now()).returning(Happening.id)
    mine = db.session.scalars(marked, execution_options={"synchronize_session": False}).all()
    interview = joinedload(Happening.interview)
    with_all = (interview.joinedload(Interview.study), interview.joinedload(Interview.recording))
    found = select(Happening).where(Happening.id.in_(mine)).order_by(Happening.id)
    return db.session.scalars(found.options(*with_all)).all()
