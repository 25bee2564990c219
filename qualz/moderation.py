"""Moderation: an interview's next utterance, decided once for each answer.

The answer is in the database before any moderator is called. A moderator that takes time is asked
without holding a connection, and only by whoever wrote down first that they do so: a reload, a
second request or another process meanwhile waits for what was decided, and decides by the script
when that does not come. So no answer is ever put to a model twice.

The words of a spoken answer are waited for a little; without them its length has to do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from sqlalchemy.exc import IntegrityError

from qualz import clock, rules
from qualz.ai.scripted import ScriptedModerator
from qualz.database import db
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.moderator import Moderator, Utterance
from qualz.turn import Turn

log = logging.getLogger(__name__)

# What a decision may take beyond the moderator's own patience, in seconds.
MARGIN = 1.0
LOOK_AGAIN = 0.1
# So often may others have written to the same log at the same moment.
MOST_TRIES = 5


def hear(
    interview: Interview, moderator: Moderator, *, sleep: Callable[[float], None] = time.sleep
) -> Turn:
    """What the moderator last said; decided anew only when that has been answered. Commits."""
    tries = 0
    while True:
        db.session.commit()
        if said := _standing(interview):
            return said
        if (wait := max(_others_time(interview), Hearing.patience_left(interview))) > 0:
            db.session.commit()
            sleep(min(wait, LOOK_AGAIN))
            db.session.expire_all()
            continue
        try:
            if said := _decided(interview, moderator):
                return said
        except IntegrityError:
            # Two let the moderator speak at once; what the other one kept is what was said.
            db.session.rollback()
            tries += 1
            if tries == MOST_TRIES:
                raise


def _standing(interview: Interview) -> Turn | None:
    """What was said last and stands: it is not answered yet, or the interview is over."""
    if interview.conversation.awaits_moderator and not interview.is_over:
        return None
    return interview.last_said


def _others_time(interview: Interview) -> float:
    """Seconds for which the decision is still left to somebody else."""
    until = interview.conversation.deciding_until
    return 0 if until is None else until - clock.now().timestamp()


def _decided(interview: Interview, moderator: Moderator) -> Turn | None:
    talk, questions = interview.conversation, interview.guide.questions
    moderator = rules.entitled(talk, moderator)
    utterance: Utterance | None = rules.settled(talk, questions)
    patience = moderator.patience
    if utterance is None and patience and talk.deciding_until is None:
        interview.leave_deciding(clock.now().timestamp() + patience + MARGIN)
        db.session.commit()
        proposal = rules.ask(talk, questions, moderator)
        db.session.expire_all()
        if _standing(interview):
            return None
        # What was said may have been heard only while the model thought.
        talk = interview.conversation
        utterance = rules.settled(talk, questions) or rules.ruled(talk, questions, proposal)
    if utterance is None:
        # Nobody else is at it any more: a process that had begun to ask has died.
        at_once = ScriptedModerator() if patience else moderator
        utterance = rules.decide(talk, questions, at_once)
    said = interview.say(utterance)
    db.session.commit()
    return said
