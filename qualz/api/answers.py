"""What the API is asked and what it answers, field by field. The description is made of these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from qualz.api.cursors import EPOCH
from qualz.attendance import AttendanceState
from qualz.part import EndReason
from qualz.recording import Recording
from qualz.study import Study
from qualz.turn import Speaker

MOST = 100


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class PageAsked(Model):
    limit: int = Field(50, ge=1, le=MOST, description="How many at most.")
    cursor: str | None = Field(
        None,
        max_length=200,
        pattern=r"^[\w.=-]*$",
        description="`next_cursor` of the page before.",
    )


class InterviewsAsked(PageAsked):
    study: str | None = Field(
        None, pattern=r"^[\w-]{1,24}$", description="Of this study alone, by its id."
    )
    state: AttendanceState | None = Field(None, description="In this state alone.")
    since: AwareDatetime | None = Field(
        None, ge=EPOCH, description="Those alone in which something happened then or later."
    )


class StudyAnswer(Model):
    id: str
    title: str
    state: Study.State
    language: str = Field(description="A language tag, such as `en`.")
    created_at: AwareDatetime
    link: str = Field(description="Where it is in the workplace.")


class StudyPage(Model):
    items: list[StudyAnswer]
    next_cursor: str | None = Field(description="None on the last page.")


class RecordingAnswer(Model):
    state: Recording.State
    reason: str | None = Field(description="Why there is no Full Session, where it failed.")
    seconds: float = Field(description="Of the Full Session, or of the parts together.")
    ready_at: AwareDatetime | None
    content_type: str | None
    url: str | None = Field(description="Where the Full Session is, by the same token.")


class InterviewAnswer(Model):
    id: str
    study: str
    number: int
    name: str = Field(description="What the researcher calls its participant.")
    state: AttendanceState
    ended_early: bool
    screened_out: bool
    began_at: AwareDatetime
    last_seen_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    parameters: dict[str, Any] = Field(description="What its link carried, such as a panel's ids.")
    recording: RecordingAnswer
    link: str = Field(description="Where it is in the workplace.")


class InterviewPage(Model):
    items: list[InterviewAnswer]
    next_cursor: str | None = Field(description="None on the last page.")


class PartAnswer(Model):
    number: int
    began_at: AwareDatetime
    seconds: float
    bytes: int
    content_type: str
    has_camera: bool
    is_open: bool = Field(description="Whether bytes are still waited for.")
    end_reason: EndReason | None
    missing_seconds: float | None = Field(description="None where nobody knows.")
    url: str | None = Field(description="Where its clip is, by the same token.")


class TurnAnswer(Model):
    position: int
    speaker: Speaker
    question: str | None
    text: str
    is_draft: bool = Field(description="Put into words by an engine that is known to mishear.")
    said_at: AwareDatetime
    begins: float | None = Field(
        description="Seconds into the Full Session; before there is one, into the clips played one "
        "after another. None for what is not in the recording."
    )
    ends: float | None


class InterviewInFull(InterviewAnswer):
    parts: list[PartAnswer]
    transcript: list[TurnAnswer]


class Problem(Model):
    """RFC 9457."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
