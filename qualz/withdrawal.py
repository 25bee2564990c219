"""Withdrawal: a participant takes back all that they said, and nothing brings it back.

What stays is that there was an interview, when it was taken back, and the receipt. Whoever still
works on it finds its rows gone; whoever still sends to it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete

from qualz.bundle import Bundled
from qualz.conversation import Kind
from qualz.database import db
from qualz.drop import Drop
from qualz.event import Event
from qualz.happening import Happening
from qualz.interview import Interview
from qualz.merge import Merge
from qualz.part import Part
from qualz.personal_link import PersonalLink
from qualz.receipt import Cause, Receipt, What, Why, facts_of
from qualz.recording import Recording
from qualz.removal import clear
from qualz.rendition import Rendition
from qualz.turn import Turn

if TYPE_CHECKING:
    from qualz.media.storage import Storage


def withdraw(interview: Interview, storage: Storage) -> None:
    """Rows first and then files, as in a removal. Done twice it is done once. Commits."""
    recording = interview.recording
    folder = recording.folder
    storage.mean_to_delete(folder)
    facts = facts_of([interview.id])
    if interview.withdraw():
        _forget(interview, recording)
        Receipt.write(facts, What.INTERVIEW, Why(cause=Cause.PARTICIPANT))
    db.session.commit()
    # A request that is under way may write once more: the sweep looks there again.
    clear(folder, storage, for_good=False)


def _forget(interview: Interview, recording: Recording) -> None:
    """Hearings, corrections, comments and highlights go with their turns, by the database's own
    cascades."""
    said = (Event.interview_id == interview.id) & (Event.kind != Kind.BEGAN)
    db.session.execute(delete(Event).where(said))
    interview.tags = []
    for model in (Turn, Drop):
        db.session.execute(delete(model).where(model.interview_id == interview.id))
    # What was packed with it is removed, or packed anew, for one that it holds is gone.
    db.session.execute(delete(Bundled).where(Bundled.interview_id == interview.id))
    for made in (Merge, Rendition, Part):
        db.session.execute(delete(made).where(made.recording_id == recording.id))
    # What was told of it too: that somebody was in distress, they have taken back as well. After
    # the merges: one that ended just now has told so by the time that its row can be deleted.
    db.session.execute(delete(Happening).where(Happening.interview_id == interview.id))
    db.session.expire_all()
    if link := PersonalLink.of(interview):
        link.forget()
    recording.state, recording.reason = Recording.State.NONE, None
    recording.forget_full_session()
    recording.report = recording.ready_at = recording.deleted_at = None
    interview.make_findable()
