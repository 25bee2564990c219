"""Projects: interviews as a REFI-QDA project, which programs for qualitative analysis open.

A `.qdpx` is a ZIP with `project.qde`, in XML, and what it tells of in `sources/`. Standard and
schema (18 March 2019): https://www.qdasoftware.org. Positions in texts are counted in Unicode's
code points from 0, ends stand behind the last one, and times are milliseconds.

Cases stand before sources in the XML, so both are written down beside it while interviews go by.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO
from xml.sax.saxutils import XMLGenerator  # nosec B406 # writes, and reads nothing
from xml.sax.xmlreader import AttributesImpl  # nosec B406 # writes, and reads nothing

from qualz import clock
from qualz.guise import Guise
from qualz.interview import Interview
from qualz.packing import Media, Wanted, add_each, guise_of, media_of
from qualz.parcel import PIECE, Parcel
from qualz.passages import UNTAGGED, Block, Mark, code_of, in_time, text_of
from qualz.rendition import Kind
from qualz.said import for_xml, said_in
from qualz.tag import Colour, Tag

if TYPE_CHECKING:
    from pathlib import Path

    from qualz.media.storage import Storage
    from qualz.study import Study

NAMESPACE = "urn:QDA-XML:project:1.0"
OURS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:qualz:refi-qda")
SPEAKERS = {"Moderator": "#3B6EA8", "Participant": "#B4602B"}
VARIABLES = {
    "Number": "Integer",
    "State": "Text",
    "Language": "Text",
    "Begun": "DateTime",
    "Tags": "Text",
}
COLOURS = {
    Colour.TEAL: "#0F8A76",
    Colour.BLUE: "#2B6CB8",
    Colour.VIOLET: "#6D4BC3",
    Colour.PINK: "#B83D83",
    Colour.RED: "#BD3A30",
    Colour.AMBER: "#A86A00",
    Colour.GREEN: "#3C7D2A",
    Colour.GREY: "#6B6D72",
}


def guid(*of: str) -> str:
    """The same for the same thing in every export, so that programs know it again."""
    return str(uuid.uuid5(OURS, "/".join(of)))


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


class Xml:
    """Elements in a file, one within the other."""

    def __init__(self, out: io.TextIOBase) -> None:
        self._out = XMLGenerator(out, "utf-8", short_empty_elements=True)

    @contextmanager
    def within(self, name: str, /, **attributes: str) -> Iterator[None]:
        written = {to: for_xml(what) for to, what in attributes.items()}
        self._out.startElement(name, AttributesImpl(written))
        yield
        self._out.endElement(name)

    def add(self, name: str, text: str = "", /, **attributes: str) -> None:
        with self.within(name, **attributes):
            self._out.characters(for_xml(text))

    def code(self, of: str, code: str) -> None:
        with self.within("Coding", guid=guid("coding", of)):
            self.add("CodeRef", targetGUID=guid("code", code))


def pack(
    out: Path,
    interviews: Sequence[int],
    wanted: Wanted,
    *,
    study: Study,
    storage: Storage,
    on_bytes: Callable[[int], None],
) -> list[int]:
    """Write the project, and answer the ids of the interviews in it. Raises `NothingToExport`."""
    head, guise = _head(study), guise_of(study, wanted)
    with ExitStack() as stack:
        parcel = stack.enter_context(Parcel(out, on_bytes))
        beside = [out.with_name(f"{out.name}.{name}") for name in ("cases", "sources")]
        cases, sources = (stack.enter_context(path.open("w", encoding="utf-8")) for path in beside)

        def add(interview: Interview) -> None:
            _add(parcel, Xml(cases), Xml(sources), interview, wanted, storage, guise)

        packed = add_each(interviews, add, on_bytes)
        cases.flush()
        sources.flush()
        with out.with_name(f"{out.name}.qde").open("w+b") as whole:
            _put_together(whole, head, *beside)
            parcel.copy("project.qde", whole, at=clock.now(), is_media=False)
    return packed


def _head(study: Study) -> str:
    """All that stands before the cases, with the project's own element still open."""
    out, now, user = io.StringIO(), moment(clock.now()), guid("user", str(study.researcher_id))
    xml = Xml(out)
    opening = {
        "xmlns": NAMESPACE,
        "name": study.name,
        "origin": "Qualz",
        "creatingUserGUID": user,
        "creationDateTime": moment(study.created_at),
        "modifyingUserGUID": user,
        "modifiedDateTime": now,
    }
    with xml.within("Users"):
        xml.add("User", guid=user, name=study.researcher.name)
    with xml.within("CodeBook"), xml.within("Codes"):
        for name, colour in SPEAKERS.items():
            xml.add("Code", guid=guid("code", name), name=name, isCodable="true", color=colour)
        named = [(code_of(tag), tag.name, COLOURS[tag.colour]) for tag in Tag.all_of(study)]
        for code, name, colour in [*named, (UNTAGGED, UNTAGGED, COLOURS[Colour.AMBER])]:
            xml.add("Code", guid=guid("code", code), name=name, isCodable="true", color=colour)
    with xml.within("Variables"):
        for name, kind in VARIABLES.items():
            xml.add("Variable", guid=guid("variable", name), name=name, typeOfVariable=kind)
    root = io.StringIO()
    whole = Xml(root)
    with whole.within("Project", **opening):
        whole.add("Users")
    return f"{root.getvalue().partition('<Users')[0]}{out.getvalue()}"


def _put_together(whole: BinaryIO, head: str, cases: Path, sources: Path) -> None:
    whole.write(f'<?xml version="1.0" encoding="utf-8"?>\n{head}'.encode())
    for name, path in (("Cases", cases), ("Sources", sources)):
        whole.write(f"\n<{name}>".encode())
        with path.open("rb") as part:
            while data := part.read(PIECE):
                whole.write(data)
        whole.write(f"</{name}>".encode())
    whole.write(b"\n</Project>\n")
    whole.seek(0)


def _add(
    parcel: Parcel,
    cases: Xml,
    sources: Xml,
    interview: Interview,
    wanted: Wanted,
    storage: Storage,
    guise: Guise,
) -> None:
    """All that is asked of the interview is asked before its recording is copied."""
    public_id, label, at = interview.public_id, guise.label(interview), interview.consented_at
    text, blocks = text_of(said_in(interview, guise), guise)
    is_one = interview.recording.plays_as_one
    is_video = (interview.recording.full_session_type or "").startswith("video")
    media = [one for one in _played(interview, wanted) if storage.exists(one.file)]
    worn = "; ".join(tag.name for tag in interview.tags)
    values = [interview.number, interview.state, interview.study.language, moment(at), worn]
    held = [guid("media", one.file) for one in media]
    _case(cases, public_id, label, list(map(str, values)), [*held, guid("text", public_id)])
    _text(sources, parcel, public_id, f"{label} (text)", at, text, blocks)
    for one in media:
        name = label if is_one else f"{label}{one.name.rpartition('.')[0]}"
        video = is_video if is_one else one.is_video
        file = f"{guid('media', one.file)}.{one.name.rpartition('.')[2]}"
        kind = "VideoSource" if video else "AudioSource"
        attributes = {"name": name, "path": f"internal://{file}", "creationDateTime": moment(at)}
        with sources.within(kind, guid=guid("media", one.file), **attributes):
            if is_one:
                _transcript(sources, parcel, public_id, label, at, text, blocks)
        with storage.here(one.file).open("rb") as source:
            parcel.copy(f"sources/{file}", source, at=at, most=one.bytes)


def _played(interview: Interview, wanted: Wanted) -> list[Media]:
    """What programs can play best: few of them know WebM, so what was made of it goes first."""
    if not wanted.recording:
        return []
    every = Wanted(recording=True, renditions=(Kind.MP4, Kind.SOUND))
    found = list(media_of(interview, every))
    if not interview.recording.plays_as_one:
        return found
    has_picture = (interview.recording.full_session_type or "").startswith("video")
    best = Kind.MP4 if has_picture else Kind.SOUND
    return sorted(found, key=lambda one: (one.what != best, one.what != "Full Session"))[:1]


def _case(xml: Xml, public_id: str, label: str, values: list[str], held: list[str]) -> None:
    with xml.within("Case", guid=guid("case", public_id), name=label):
        for (name, kind), value in zip(VARIABLES.items(), values, strict=True):
            with xml.within("VariableValue"):
                xml.add("VariableRef", targetGUID=guid("variable", name))
                xml.add(f"{kind}Value", value)
        for source in held:
            xml.add("SourceRef", targetGUID=source)


def _text(
    xml: Xml,
    parcel: Parcel,
    public_id: str,
    name: str,
    at: datetime,
    text: str,
    blocks: Sequence[Block],
) -> None:
    source = guid("text", public_id)
    parcel.add(f"sources/{source}.txt", text.encode(), at=at)
    path = f"internal://{source}.txt"
    attributes = {"name": name, "plainTextPath": path, "creationDateTime": moment(at)}
    with xml.within("TextSource", guid=source, **attributes):
        for number, block in enumerate(blocks):
            of = f"{public_id}/text/{number}"
            places = {"startPosition": str(block.start), "endPosition": str(block.end)}
            with xml.within("PlainTextSelection", guid=guid("selection", of), **places):
                xml.code(of, block.code)
            for mark in block.marks:
                _marked(xml, mark)


def _marked(xml: Xml, mark: Mark) -> None:
    places = {"startPosition": str(mark.start), "endPosition": str(mark.end)}
    with xml.within("PlainTextSelection", guid=guid("highlight", mark.name), **places):
        if mark.comment:
            xml.add("Description", mark.comment)
        for code in mark.codes:
            with xml.within("Coding", guid=guid("coding", mark.name, code)):
                xml.add("CodeRef", targetGUID=guid("code", code))


def _transcript(
    xml: Xml,
    parcel: Parcel,
    public_id: str,
    name: str,
    at: datetime,
    text: str,
    blocks: Sequence[Block],
) -> None:
    """The same text beside the recording, with points that bring both together."""
    transcript = guid("transcript", public_id)
    parcel.add(f"sources/{transcript}.txt", text.encode(), at=at)
    path = f"internal://{transcript}.txt"
    timed = list(in_time(blocks))
    with xml.within("Transcript", guid=transcript, name=name, plainTextPath=path):
        for number, (block, begins, ends) in enumerate(timed):
            for edge, position, ms in (("a", block.start, begins), ("b", block.end, ends)):
                point = guid("point", public_id, str(number), edge)
                xml.add("SyncPoint", guid=point, timeStamp=str(ms), position=str(position))
        for number, (block, _, _) in enumerate(timed):
            of = f"{public_id}/transcript/{number}"
            ends_at = {
                "fromSyncPoint": guid("point", public_id, str(number), "a"),
                "toSyncPoint": guid("point", public_id, str(number), "b"),
            }
            with xml.within("TranscriptSelection", guid=guid("selection", of), **ends_at):
                xml.code(of, block.code)
