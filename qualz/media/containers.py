"""What the bytes of a file say about its container, read without a media library.

Quick and safe enough for a web process that looks at an upload's first kilobytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

EBML = b"\x1a\x45\xdf\xa3"

# Element identifiers of Matroska (RFC 9559).
SEGMENT, TRACKS, TRACK_ENTRY, TRACK_TYPE = 0x18538067, 0x1654AE6B, 0xAE, 0x83
CLUSTER, CUES = 0x1F43B675, 0x1C53BB6B
VIDEO_TRACK = b"\x01"
_PLAYED = {VIDEO_TRACK, b"\x02"}
MOST_TRACKS = 16

# How files begin that are sent in a recording's place.
_FOREIGN = {
    b"#EXTM3U": "a playlist",
    b"ffconcat": "a playlist",
    b"<": "a text",
    b"#!": "a text",
    b"%PDF-": "a document",
    b"\x89PNG\r\n": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"PK\x03\x04": "an archive",
    b"\x1f\x8b\x08": "an archive",
    b"7z\xbc\xaf": "an archive",
    b"Rar!": "an archive",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
}
_TEXT = bytes([*range(32, 127), *b"\t\r\n"])
WORDY = 64  # bytes: no recording begins with so many letters
# A data reference that is not to the file itself (its first flag) and says where to (it is longer
# than its head): ISO/IEC 14496-12 section 8.7.2, and QuickTime's alias.
_ELSEWHERE = re.compile(
    rb"dref.{8}(?!\0\0\0\x0c)\0.{3}(?:url |urn |alis).{3}[\x00\x02\x04\x06\x08]", re.DOTALL
)

# Codec names that a picture carries, wherever they stand: Matroska's CodecID, a handler box,
# the first page of Theora or VP8 in Ogg.
_PICTURE = re.compile(
    rb"V_VP8|V_VP9|V_AV1|V_MPEG|V_MS/VFW|hdlr.{8}vide|\x80theora|OVP80", re.DOTALL
)


def sniff(head: bytes) -> str | None:
    """The container's name by its first bytes (16 are enough): webm, mp4, ogg, or `None`.

    Matroska is answered as webm: what a browser calls `video/x-matroska` differs in codec only.
    """
    if head.startswith(EBML):
        return "webm"
    if head[4:8] in (b"ftyp", b"styp", b"moof", b"moov"):
        return "mp4"
    if head.startswith(b"OggS"):
        return "ogg"
    return None


def foreign(head: bytes) -> str | None:
    """What the first bytes of an upload are, where that is surely nothing that a browser recorded.

    What is damaged or unknown may be a recording all the same, and is none of these. Never raises.
    """
    for start, name in _FOREIGN.items():
        if head.startswith(start):
            return name
    if len(head) >= WORDY and not head[:WORDY].translate(None, _TEXT):
        return "a text"
    kinds = list(_track_types(head)) if head.startswith(EBML) else []
    if len(kinds) > MOST_TRACKS:
        return f"a film of {len(kinds)} tracks"
    if kinds and not _PLAYED.intersection(kinds):
        return "a film without sound or picture"
    return "a film that lies in other files" if _ELSEWHERE.search(head) else None


def declares_video(head: bytes) -> bool:
    """Whether the first bytes of an upload (64 KB are plenty) announce a picture. Never raises."""
    return _PICTURE.search(head) is not None or _has_video_entry(head)


def index_in_front(path: Path) -> bool:
    """Whether a player can seek at once: cues before the first cluster, moov before mdat."""
    with path.open("rb") as file:
        start = file.read(16)
        file.seek(0)
        if sniff(start) == "webm":
            return _comes_first(_top_elements(file), CUES, CLUSTER)
        if sniff(start) == "mp4":
            return _comes_first(_boxes(file), b"moov", b"mdat")
    return False


def _comes_first(names: Iterator[object], wanted: object, media: object) -> bool:
    for name in names:
        if name == wanted:
            return True
        if name == media:
            return False
    return False


def _has_video_entry(head: bytes) -> bool:
    return VIDEO_TRACK in _track_types(head)


def _track_types(head: bytes) -> Iterator[bytes]:
    """Walk EBML → Segment → Tracks → TrackEntry → TrackType, as far as the bytes go."""
    parents = {SEGMENT, TRACKS, TRACK_ENTRY}
    at = 0
    while at < len(head):
        read = element_at(head[at : at + 12])
        if read is None:
            return
        name, size, length = read
        at += length
        # Where the bytes end within it, it says nothing yet.
        if name == TRACK_TYPE and size and at + size <= len(head):
            yield head[at : at + size].lstrip(b"\x00")
        if name in parents:
            continue
        if size is None:
            return
        at += size


def _top_elements(file: BinaryIO) -> Iterator[int]:
    while head := file.read(12):
        read = element_at(head)
        if read is None:
            return
        name, size, length = read
        yield name
        file.seek(length - len(head), 1)
        if name != SEGMENT:
            if size is None:
                return
            file.seek(size, 1)


def element_at(head: bytes) -> tuple[int, int | None, int] | None:
    """(identifier, size or `None` if unknown, length of both) at the start of `head` (RFC 8794)."""
    if not head or head[0] == 0:
        return None
    id_length = 9 - head[0].bit_length()
    if id_length > 4 or len(head) <= id_length or head[id_length] == 0:
        return None
    size_length = 9 - head[id_length].bit_length()
    end = id_length + size_length
    if len(head) < end:
        return None
    bits = 7 * size_length
    size = int.from_bytes(head[id_length:end], "big") & ((1 << bits) - 1)
    return int.from_bytes(head[:id_length], "big"), None if size == (1 << bits) - 1 else size, end


def _boxes(file: BinaryIO) -> Iterator[bytes]:
    """Names of the top-level boxes (ISO/IEC 14496-12 section 4.2)."""
    while len(head := file.read(16)) >= 8:
        size, name = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        yield name
        if size < 8:
            return
        file.seek(size - len(head), 1)
