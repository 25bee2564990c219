"""How states are shown: a colour and a word each, the same wherever they appear."""

from __future__ import annotations

from dataclasses import dataclass

from qualz import pages, presence
from qualz.answers_link import AnswersLink
from qualz.api_token import ApiToken
from qualz.dashboard import dashboard
from qualz.delivery import Delivery
from qualz.interview import Interview
from qualz.personal_link import PersonalLink
from qualz.presence import Presence
from qualz.recording import Recording
from qualz.resume_link import ResumeLink
from qualz.study import Study
from qualz.team_invitation import TeamInvitation


@dataclass(frozen=True, slots=True)
class Chip:
    kind: str  # live, good, warn, bad, busy or quiet
    word: str
    more: str | None = None


STUDIES = {
    Study.State.DRAFT: Chip("quiet", "Draft"),
    Study.State.LIVE: Chip("good", "Open"),
    Study.State.PAUSED: Chip("warn", "Paused"),
    Study.State.CLOSED: Chip("quiet", "Closed"),
    Study.State.ARCHIVED: Chip("quiet", "Archived"),
}


def of_study(study: Study) -> Chip:
    return STUDIES[study.state]


def of_interview(interview: Interview) -> Chip:
    match interview.state:
        case Interview.State.LIVE | Interview.State.INTERRUPTED if interview.is_resting:
            return Chip("quiet", "Paused", "By the participant, who may go on within a week.")
        case Interview.State.LIVE:
            is_here = presence.of(interview) is Presence.LIVE
            return Chip("live", "Live") if is_here else Chip("warn", "Reconnecting")
        case Interview.State.INTERRUPTED:
            return Chip("warn", "Interrupted")
        case _ if interview.is_withdrawn:
            return Chip("quiet", "Withdrawn", "The participant had everything deleted.")
        case Interview.State.COMPLETED if interview.screened_out:
            return Chip("quiet", "Screened out", "By an answer to a screening question.")
        case Interview.State.COMPLETED:
            return Chip("quiet", "Ended early") if interview.ended_early else COMPLETED
        case Interview.State.ABANDONED:
            return Chip("quiet", "Abandoned", "Nobody came back within a week.")
        case _:
            return Chip("quiet", "Joined", "Has agreed to take part and not started yet.")


COMPLETED = Chip("good", "Completed")
OUT_OF_DATE = Chip("warn", "Full Session, not up to date")


def of_recording(recording: Recording) -> Chip:
    if recording.interview.is_withdrawn:
        return Chip("quiet", "Nothing kept")
    match recording.state:
        case Recording.State.READY:
            return Chip("good", "Full Session")
        case Recording.State.FAILED if recording.was_cancelled:
            return Chip("quiet", "Merge cancelled")
        case Recording.State.FAILED:
            return Chip("bad", f"Failed: {recording.reason or 'no reason was given'}")
        case Recording.State.MERGING:
            return Chip("busy", f"Merging {pages.percent(merged(recording))}")
        case Recording.State.WAITING:
            return Chip("busy", "Waiting to merge")
        case Recording.State.STALE:
            return OUT_OF_DATE if recording.plays_as_one else Chip("quiet", clips(recording))
        case _ if recording.deleted_at and not recording.clips:
            return Chip("quiet", "Recording deleted", "As the study’s rule says.")
        case _:
            return Chip("quiet", clips(recording))


def clips(recording: Recording) -> str:
    count = len(recording.clips)
    if count == 0:
        return "Nothing recorded"
    return f"{count} clip{'s' if count > 1 else ''}"


def merged(recording: Recording) -> float:
    return recording.latest_merge.progress if recording.latest_merge else 0.0


def of_resume_link(link: ResumeLink) -> Chip:
    match link.state:
        case ResumeLink.State.VALID:
            return Chip("good", "Valid")
        case ResumeLink.State.REPLACED:
            return Chip("quiet", "Replaced")
        case ResumeLink.State.REVOKED:
            return Chip("bad", "Revoked")
        case _:
            return Chip("quiet", "Expired")


def of_answers_link(link: AnswersLink) -> Chip:
    match link.state:
        case AnswersLink.State.NOT_OPENED:
            return Chip("good", "Not opened")
        case AnswersLink.State.OPENED:
            return Chip("good", "Opened")
        case AnswersLink.State.REVOKED:
            return Chip("bad", "Revoked")
        case _:
            return Chip("quiet", "Expired")


def of_api_token(token: ApiToken) -> Chip:
    match token.state:
        case ApiToken.State.VALID:
            return Chip("good", "Valid")
        case ApiToken.State.REVOKED:
            return Chip("bad", "Revoked")
        case _:
            return Chip("quiet", "Expired")


def of_team_invitation(invitation: TeamInvitation) -> Chip:
    match invitation.state:
        case TeamInvitation.State.OPEN:
            return Chip("good", "Open")
        case TeamInvitation.State.USED:
            return Chip("quiet", "Used")
        case TeamInvitation.State.REVOKED:
            return Chip("bad", "Revoked")
        case _:
            return Chip("quiet", "Expired")


def of_delivery(delivery: Delivery) -> Chip:
    match delivery.state:
        case Delivery.State.DONE:
            return Chip("good", "Delivered")
        case Delivery.State.FAILED:
            return Chip("bad", "Failed")
        case Delivery.State.RUNNING:
            return Chip("busy", "On its way")
        case _:
            return Chip("warn" if delivery.attempts else "busy", "Waiting")


def of_personal_link(link: PersonalLink) -> Chip:
    if link.revoked_at:
        return Chip("bad", "Revoked")
    if link.interview:
        return of_interview(link.interview)
    if link.opened_at:
        return Chip("quiet", "Opened", "Has seen the door's page and not agreed yet.")
    return Chip("quiet", "Not opened")


@dashboard.app_context_processor
def _chips() -> dict[str, object]:
    return {
        "chip_of_study": of_study,
        "chip_of_interview": of_interview,
        "chip_of_recording": of_recording,
        "chip_of_api_token": of_api_token,
        "chip_of_delivery": of_delivery,
        "chip_of_resume_link": of_resume_link,
        "chip_of_answers_link": of_answers_link,
        "chip_of_personal_link": of_personal_link,
        "chip_of_team_invitation": of_team_invitation,
        "merged": merged,
    }
