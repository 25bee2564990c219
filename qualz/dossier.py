"""Dossiers: all that is held about a participant, as one file for whoever asks what that is.

The recordings as they arrived, the transcript to read, and everything else word for word in JSON,
in an order that never changes, with a page that says in plain words what is what.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from qualz import clock, disclosure, export, file_names
from qualz.database import db
from qualz.export import Form
from qualz.interview import Interview
from qualz.packing import A_TRANSCRIPT, Wanted, add_each, sum_of
from qualz.parcel import Parcel
from qualz.personal_link import PersonalLink
from qualz.study import Study

if TYPE_CHECKING:
    from pathlib import Path

    from qualz.media.storage import Storage
    from qualz.researcher import Researcher

FORMS = (Form.DOCX, Form.TXT, Form.VTT)
WANTED = Wanted(forms=tuple(FORMS), recording=True)

README = """What is held about you, from {count} interview{s}
Written on {at:%Y-%m-%d at %H:%M} UTC by Qualz, the program that the interview{s} took place in.

There is a folder for each interview. In it:
- “part 1”, “part 2” …: the recordings as your browser sent them, in the order in which they came;
- “full session”: the same recordings put together into one file, if that was done;
- “transcript”: what you and the moderator said, as a Word file, as plain text and as subtitles;
- “data.json”: everything else, in a form that programs read, too: what you agreed to and when,
  when you were there and when you were away, what the link told about you, each answer with how a
  machine understood it and what researchers corrected, marked and noted, and each step of the
  conversation.

manifest.json lists every file with its size and SHA-256.

What may be held elsewhere and is not in here: back-ups of the server, what researchers downloaded
before, and what your own browser keeps. Ask the person who invited you about those, and if anything
should be put right or deleted.
"""


def of_person(interview: Interview, *, for_: Researcher) -> list[Interview]:
    """This interview, and all others by the personal links of the same address that the researcher
    may see, oldest first."""
    link, found = PersonalLink.of(interview), {interview.id: interview}
    if link and link.email:
        same = (
            select(Interview)
            .join(PersonalLink, PersonalLink.interview_id == Interview.id)
            .join(Study, Interview.study_id == Study.id)
            .where(
                func.lower(PersonalLink.email) == link.email.lower(),
                Study.seen_by(for_),
                Interview.withdrawn_at.is_(None),
                Interview.is_preview.is_(False),
            )
        )
        found |= {one.id: one for one in db.session.scalars(same)}
    return sorted(found.values(), key=lambda one: one.consented_at)


def bytes_of(
    interviews: Sequence[int], _wanted: Wanted, storage: Storage, on_step: Callable[[int], None]
) -> int:
    """About how large it gets."""

    def bytes_of_one(interview: Interview) -> int:
        return 2 * A_TRANSCRIPT + sum(storage.size(file) for _, file, _ in _media(interview))

    return sum_of(interviews, bytes_of_one, on_step)


def pack(
    out: Path,
    interviews: Sequence[int],
    wanted: Wanted,
    *,
    study: Study,
    storage: Storage,
    on_bytes: Callable[[int], None],
) -> list[int]:
    """Write the ZIP, and answer the ids of the interviews in it. Raises `NothingToExport`."""
    at = clock.now()
    with Parcel(out, on_bytes) as parcel:

        def add(interview: Interview) -> None:
            _add(parcel, interview, wanted, storage)

        packed = add_each(interviews, add, on_bytes)
        told = README.format(count=len(packed), s="s" if len(packed) > 1 else "", at=at)
        parcel.add("README.txt", told.replace("\n", "\r\n").encode(), at=at, what="about this ZIP")
        parcel.enclose_list("manifest.json", {"written_at": at.isoformat()}, at=at)
    return packed


def _add(parcel: Parcel, interview: Interview, wanted: Wanted, storage: Storage) -> None:
    """All that is asked of the interview is asked before its recordings are copied."""
    at = interview.consented_at
    folder = f"{file_names.safe(interview.study.name)} {interview.number:04}"
    data = json.dumps(disclosure.of(interview), ensure_ascii=False, indent=1) + "\n"
    media = list(_media(interview))
    transcripts = [(form, export.export(interview, Form(form))) for form in wanted.forms]
    parcel.add(f"{folder}/data.json", data.encode(), at=at, what="data")
    for form, written in transcripts:
        parcel.add(f"{folder}/transcript.{form}", written, at=at, what="transcript")
    for name, file, most in media:
        try:
            with storage.here(file).open("rb") as source:
                parcel.copy(f"{folder}/{name}", source, at=at, most=most, what="recording")
        except FileNotFoundError:
            reason = "not in the server's storage"
            parcel.leave_out(f"{folder}/{name}", what="recording", reason=reason)


def _media(interview: Interview) -> Iterable[tuple[str, str, int | None]]:
    """What to call each file, where it lies, and how many of its bytes are meant."""
    recording = interview.recording
    # What is redacted or was taken back is in no clip that may be shown.
    for part in recording.shown_clips:
        ending = part.content_type.partition("/")[2]
        yield f"part {part.number}.{ending}", part.kept_as, part.bytes_durable
    if recording.full_session:
        ending = recording.full_session.rpartition(".")[2]
        yield f"full session.{ending}", recording.full_session, None
