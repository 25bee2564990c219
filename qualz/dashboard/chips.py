"""How states are shown: a colour and a word each, the same wherever they appear."""

from __future__ import annotations

from dataclasses import dataclass

from qualz import pages, presence
from qualz.dashboard import dashboard
from qualz.interview import Interview
from qualz.presence import Presence
from qualz.recording import Recording
from qualz.resume_link import ResumeLink
from qualz.study import Study


@dataclass(frozen=True, slots=True)
class Chip:
    kind: str  # live, good, warn, bad, busy or quiet
    word: str
    more: str | None = None


def of_study(study: Study) -> Chip:
    return Chip("good", "Open") if study.state is Study.State.LIVE else Chip("quiet", "Draft")


def of_interview(interview: Interview) -> Chip:
    match interview.state:
        case Interview.State.LIVE:
            is_here = presence.of(interview) is Presence.LIVE
            return Chip("live", "Live") if is_here else Chip("warn", "Reconnecting")
        case Interview.State.INTERRUPTED:
            return Chip("warn", "Interrupted")
        case Interview.State.COMPLETED:
            return Chip("quiet", "Ended early") if interview.ended_early else COMPLETED
        case Interview.State.ABANDONED:
            return Chip("quiet", "Abandoned", "Nobody came back within a week.")
        case _:
            return Chip("quiet", "Joined", "Has agreed to take part and not started yet.")


COMPLETED = Chip("good", "Completed")
OUT_OF_DATE = Chip("warn", "Full Session, not up to date")


def of_recording(recording: Recording) -> Chip:
    match recording.state:
        case Recording.State.READY:
            return Chip("good", "Full Session")
        case Recording.State.FAILED:
            return Chip("bad", f"Failed: {recording.reason or 'no reason was given'}")
        case Recording.State.MERGING:
            return Chip("busy", f"Merging {pages.percent(merged(recording))}")
        case Recording.State.WAITING:
            return Chip("busy", "Waiting to merge")
        case Recording.State.STALE:
            return OUT_OF_DATE if recording.plays_as_one else Chip("quiet", clips(recording))
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
        case ResumeLink.State.REVOKED:
            return Chip("bad", "Revoked")
        case _:
            return Chip("quiet", "Expired")


@dashboard.app_context_processor
def _chips() -> dict[str, object]:
    return {
        "chip_of_study": of_study,
        "chip_of_interview": of_interview,
        "chip_of_recording": of_recording,
        "chip_of_resume_link": of_resume_link,
        "merged": merged,
    }
