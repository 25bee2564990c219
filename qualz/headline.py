"""Headlines: what happened in one sentence, the same in the workplace and in an e-mail.

Of the participant they hold what the researcher calls them, and nothing that they said.
"""

from __future__ import annotations

from datetime import date

from qualz.happening import Happening, Kind


def headline(happening: Happening) -> str:
    """Such as “Participant 3 completed the interview”."""
    interview = happening.interview
    who = interview.label
    match happening.kind:
        case Kind.COMPLETED if interview.screened_out:
            return f"{who} was screened out"
        case Kind.COMPLETED if interview.ended_early:
            return f"{who} stopped the interview before its end"
        case Kind.COMPLETED:
            return f"{who} completed the interview"
        case Kind.INTERRUPTED:
            return f"{who} was interrupted"
        case Kind.READY:
            return f"The Full Session of {who} is ready"
        case Kind.MERGE_FAILED:
            return f"The Full Session of {who} could not be made"
        case Kind.DISTRESS:
            return f"{who} showed signs of distress"
        case Kind.DELETION_DUE:
            return _due(happening.occurrence)


def _due(occurrence: str) -> str:
    """Of what, how many, and on which day, as `promises` writes it down."""
    what, day, count = occurrence.split("/")
    on = f"{date.fromisoformat(day):%-d %B %Y}"
    interviews = "1 interview" if count == "1" else f"{int(count):,} interviews"
    is_one, of_all = count == "1", what == "everything"
    start = interviews if of_all else f"The recording{'' if is_one else 's'} of {interviews}"
    return f"{start} {'is' if is_one else 'are'} to be deleted on {on}"


# What each means and what there is to do.
MEANING = {
    Kind.COMPLETED: "What was said is kept. The Full Session follows by itself.",
    Kind.INTERRUPTED: (
        "Everything up to then is safe. They come back to the same question by their link; if they "
        "do not, send them a resume link."
    ),
    Kind.READY: "The recording plays as one, beside its transcript.",
    Kind.MERGE_FAILED: "The clips are unharmed and play one by one. The reason stands beside them.",
    Kind.DELETION_DUE: (
        "So the rule says that was set for how long the study keeps them. Export what you still "
        "need, change the rule, or keep single interviews by ⋮ → Keep."
    ),
    Kind.DISTRESS: (
        "The moderator answered with its fixed words for that and offered to stop. Please look at "
        "the interview soon, and do what your team has agreed on for such a case."
    ),
}
