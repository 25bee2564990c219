"""Attendance: when a participant was in the room, in which place, and when they were away."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from qualz import clock
from qualz.database import Model, word
from qualz.drop import PRESENT_FOR, Came, Cause, Drop
from qualz.errors import ElsewhereInRoom, InterviewEnded
from qualz.wording import told

# By these a large study's interviews are counted, and the latest found, without reading the rest.
LISTED_BY = [
    Index(f"ix_interviews_{'_'.join(columns)}", *columns)
    for columns in (
        ("study_id", "is_preview", "state"),
        ("study_id", "consented_at"),
        ("study_id", "completed_at"),
    )
]


class AttendanceState(StrEnum):
    JOINED = "joined"
    LIVE = "live"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"
    ABANDONED = "abandoned"
    WITHDRAWN = "withdrawn"


class Attendance(Model):
    """What of an interview is about its participant's coming and going."""

    __abstract__ = True

    State: TypeAlias = AttendanceState

    state: Mapped[AttendanceState] = mapped_column(
        word(AttendanceState), default=AttendanceState.JOINED, index=True
    )
    # The one live place: which tab on which device is in the room.
    place: Mapped[str | None] = mapped_column(String(64))
    # The page that came there last; a reload is another page in the same place.
    page: Mapped[str | None] = mapped_column(String(64))
    last_seen_at: Mapped[datetime | None]
    # Set while the participant is known to be gone; see `drops`.
    away_since: Mapped[datetime | None]
    heartbeat: Mapped[dict[str, Any]] = mapped_column(default=dict)
    interrupted_at: Mapped[datetime | None]

    if TYPE_CHECKING:
        drops: Mapped[list[Drop]]

    @property
    def is_over(self) -> bool:
        return self.state in (Attendance.State.COMPLETED, Attendance.State.WITHDRAWN)

    def is_left(self, *, hold: timedelta) -> bool:
        """Whether it is over, or its participant has been away for longer than the hold."""
        if self.is_over or self.state is Attendance.State.ABANDONED:
            return True
        return self.interrupted_at is not None and clock.now() - self.interrupted_at >= hold

    def arrive(
        self,
        place: str,
        *,
        page: str | None = None,
        came: Came = Came.FIRST,
        listening_since: datetime | None = None,
        take_over: bool = False,
    ) -> bool:
        """The participant enters the room from a tab or device and takes its one live place.

        Answers whether another place was taken over. Raises `ElsewhereInRoom` while another one
        is in use, unless `take_over`.
        """
        if self.is_over:
            raise InterviewEnded(told("This interview has ended. Thank you."))
        moved = self.place is not None and self.place != place
        if moved and not take_over and self.is_present:
            raise ElsewhereInRoom(
                told("This interview is open in another tab or on another device.")
            )
        self.place, self.page = place, page
        self.seen(came, listening_since=listening_since)
        return moved

    def depart(self, place: str, page: str | None = None) -> None:
        """The page in that place is being left. Perhaps it is only loaded anew.

        Its goodbye may be slower than the page that follows it, and then says nothing new.
        """
        is_theirs = (self.place, self.page) == (place, page)
        if self.state is Attendance.State.LIVE and is_theirs and not self.away_since:
            self.away_since = clock.now()
            self.drops.append(Drop(left_at=self.away_since, cause=Cause.LEFT))

    def rest(self, place: str) -> None:
        """The participant in that place takes a break, and comes back when they like."""
        if self.is_over:
            raise InterviewEnded(told("This interview has ended. Thank you."))
        if self.place != place or self.state is Attendance.State.JOINED:
            return
        if not any(drop.returned_at is None for drop in self.drops):
            self.drops.append(Drop(left_at=clock.now()))
        # Their word may come late, by a network that was away: then they had been missed already.
        self.drops[-1].cause = Cause.PAUSED
        self.away_since = self.away_since or self.drops[-1].left_at

    @property
    def is_resting(self) -> bool:
        """Whether the participant said that they take a break, and has not been back since."""
        is_away = self.away_since is not None and not self.is_over
        return is_away and bool(self.drops) and self.drops[-1].cause is Cause.PAUSED

    def seen(self, came: Came | None = None, *, listening_since: datetime | None = None) -> None:
        """The participant is in the room: a heartbeat or an answer says so, or they `came`."""
        if came is None and self._has_just_left:
            return
        if self.away_since or (self.state is Attendance.State.LIVE and not self.is_present):
            self._return(came or Came.RETURN, listening_since)
        self.last_seen_at = clock.now()
        if self.state in (Attendance.State.JOINED, Attendance.State.INTERRUPTED):
            self.state = Attendance.State.LIVE
            self.interrupted_at = None

    def _return(self, came: Came, listening_since: datetime | None) -> None:
        if not any(drop.returned_at is None for drop in self.drops):
            # They were back before anybody had noticed.
            left_at = self.last_seen_at or clock.now()
            self.drops.append(Drop(left_at=left_at, noticed_at=clock.now()))
        for drop in self.drops:
            if drop.returned_at is None:
                drop.end(came, listening_since=listening_since or drop.left_at)
        self.away_since = None

    @property
    def _has_just_left(self) -> bool:
        """Its last heartbeats may come after the goodbye of a page."""
        if self.away_since is None or clock.now() - self.away_since >= PRESENT_FOR:
            return False
        return bool(self.drops) and self.drops[-1].cause in (Cause.LEFT, Cause.PAUSED)

    @property
    def is_present(self) -> bool:
        """Whether the participant was heard a moment ago, and has not said that they leave."""
        is_heard = self.last_seen_at and clock.now() - self.last_seen_at < PRESENT_FOR
        return bool(is_heard) and self.away_since is None
