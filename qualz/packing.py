"""Packing: what of each interview goes into a bundle, and what it is called there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

from qualz import clock, codings, export, file_names
from qualz.database import db
from qualz.errors import NothingToExport
from qualz.export import Form
from qualz.guise import PLAIN, Guise
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.parcel import Parcel
from qualz.pseudonym import NOT_CAUGHT, Pseudonyms
from qualz.rendition import Kind, Rendition

if TYPE_CHECKING:
    from pathlib import Path

    from qualz.media.storage import Storage
    from qualz.study import Study

# Bytes that a transcript takes about, in all of its forms: only to tell how far it is.
A_TRANSCRIPT = 64 * 1024
# So many interviews are looked at between two signs of life.
A_STEP = 100

README = """{title}
Exported from Qualz on {at:%Y-%m-%d at %H:%M} UTC: {count} of {asked} interviews.

Each interview has a folder, named by its number and what it is called. What is in it:
- the transcript, in each form that was chosen; times are those of the Full Session, or, where
  there is none yet, of the clips played one after another (the JSON form says which),
- the recording as it is: the Full Session, or the clips where there is none,
- an MP4 and the sound alone, where they were asked for and could be made.

highlights.csv is there where something was highlighted: the words, their tags and comments.
manifest.json lists every file with its size and SHA-256, and what could not be put in, with the
reason. To check a file on any system: sha256sum FILE, or: certutil -hashfile FILE SHA256.

The recordings and transcripts are personal data. Keep them as the participants were promised.
"""


MASKED = f"""
Participants are called P01, P02 … here, by the order of their interviews.
{fill(NOT_CAUGHT, 100)}
"""
WITH_MEDIA = """
The recordings are as they are: voices and faces tell who somebody is, and a file may hold the name
of its interview inside it. Leave them out where nobody is to know.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of an interview was chosen."""

    forms: tuple[str, ...] = ()
    recording: bool = False
    renditions: tuple[str, ...] = ()
    pseudonyms: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.forms or self.recording or self.renditions)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Wanted:
        return cls(
            forms=tuple(kept["forms"]),
            recording=kept["recording"],
            renditions=tuple(kept["renditions"]),
            pseudonyms=kept.get("pseudonyms", False),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file of a recording: where it lies, what to call it, and how many bytes are durable."""

    file: str
    name: str
    what: str
    bytes: int | None = None
    is_video: bool = False


def media_of(interview: Interview, wanted: Wanted) -> Iterator[Media]:
    """The Full Session as it is, else the clips; and what was made of it."""
    recording = interview.recording
    if wanted.recording and recording.full_session:
        ending = recording.full_session.rpartition(".")[2]
        yield Media(file=recording.full_session, name=f".{ending}", what="Full Session")
    elif wanted.recording:
        for part in recording.shown_clips:
            ending = part.content_type.partition("/")[2].partition(";")[0] or "webm"
            name = f", clip {part.number}.{ending}"
            yield Media(
                file=part.kept_as,
                name=name,
                what="clip",
                bytes=part.bytes_durable,
                is_video=part.has_camera,
            )
    for one in recording.renditions:
        if one.kind in wanted.renditions and one.is_ready and one.file:
            yield Media(file=one.file, name=_name_of(one.kind), what=one.kind.value)


def _name_of(kind: Kind) -> str:
    return f" (sound).{kind.ending}" if kind is Kind.SOUND else f".{kind.ending}"


def bytes_of(
    interviews: Sequence[int], wanted: Wanted, storage: Storage, on_step: Callable[[int], None]
) -> int:
    """About how large a bundle of these gets."""

    def bytes_of_one(interview: Interview) -> int:
        of_media = (one.bytes or storage.size(one.file) for one in media_of(interview, wanted))
        return A_TRANSCRIPT + sum(of_media)

    return sum_of(interviews, bytes_of_one, on_step)


def sum_of(
    interviews: Sequence[int], count: Callable[[Interview], int], on_step: Callable[[int], None]
) -> int:
    """Of those that are still there."""
    total = 0
    for number, interview_id in enumerate(interviews):
        if interview := db.session.get(Interview, interview_id):
            total += count(interview)
        if number % A_STEP == 0:
            on_step(0)
    return total


def add_each(
    interviews: Sequence[int], add: Callable[[Interview], None], on_bytes: Callable[[int], None]
) -> list[int]:
    """Add those that are still there, and answer their ids. Raises `NothingToExport` for none."""
    packed: list[int] = []
    for interview_id in interviews:
        if interview := db.session.get(Interview, interview_id):
            add(interview)
            packed.append(interview_id)
        # A sign of life ends the transaction, so that the next one is read as it is by then.
        on_bytes(0)
    if not packed:
        raise NothingToExport("All of its interviews were deleted meanwhile.")
    return packed


def guise_of(study: Study, wanted: Wanted) -> Guise:
    return Pseudonyms(study) if wanted.pseudonyms else PLAIN


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
    title, study_id, at = study.name, study.public_id, clock.now()
    guise = guise_of(study, wanted)
    with Parcel(out, on_bytes) as parcel:

        def add(interview: Interview) -> None:
            _add(parcel, interview, wanted, storage, guise)

        packed = add_each(interviews, add, on_bytes)
        held = set(packed)
        marked = [one for one in Highlight.all_of(study) if one.turn.interview_id in held]
        if marked:
            parcel.add("highlights.csv", codings.table(marked, guise).encode("utf-8-sig"), at=at)
        told = README.format(title=title, at=at, count=len(packed), asked=len(interviews))
        if wanted.pseudonyms:
            told += MASKED + (WITH_MEDIA if wanted.recording or wanted.renditions else "")
        parcel.add("README.txt", told.replace("\n", "\r\n").encode(), at=at, what="about this ZIP")
        head = {
            "study": title,
            "id": study_id,
            "exported_at": at.isoformat(),
            "interviews": len(packed),
        }
        parcel.enclose_list("manifest.json", head, at=at)
    return packed


def folder_of(interview: Interview, guise: Guise) -> str:
    """Its number makes it the only one of that name, whatever people are called."""
    return f"{interview.number:04} {file_names.safe(guise.label(interview))}"


def _add(
    parcel: Parcel, interview: Interview, wanted: Wanted, storage: Storage, guise: Guise
) -> None:
    """What is asked of the interview is asked first: it may go while its recording is copied."""
    folder, at = folder_of(interview, guise), interview.consented_at
    base = f"{folder}/{folder}"
    known: dict[str, Any] = {"interview": interview.public_id}
    media = list(media_of(interview, wanted))
    transcripts = [(form, export.export(interview, Form(form), guise)) for form in wanted.forms]
    for form, data in transcripts:
        parcel.add(f"{base}.{form}", data, at=at, what="transcript", **known)
    for one in media:
        name = f"{base}{one.name}"
        try:
            with storage.here(one.file).open("rb") as source:
                parcel.copy(name, source, at=at, most=one.bytes, what=one.what, **known)
        except FileNotFoundError:
            parcel.leave_out(name, what=one.what, reason="not in the server's storage", **known)
    there = {one.what for one in media}
    for kind in Rendition.offered(interview.recording):
        if kind in wanted.renditions and kind not in there:
            reason = "it could not be made; the interview says why"
            parcel.leave_out(f"{base}{_name_of(kind)}", what=kind.value, reason=reason, **known)
    if wanted.recording and not media:
        why = "its redacted copy is not made yet" if interview.recording.clips else ""
        reason = why or "nothing was recorded"
        parcel.leave_out(base, what="recording", reason=reason, **known)
