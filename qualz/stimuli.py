"""Stimuli: pictures and films that a study shows, kept by what is in them."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING

from qualz.errors import QualzError
from qualz.question import Kind, Question, Stimulus

if TYPE_CHECKING:
    from qualz.media.storage import Storage
    from qualz.study import Study

MEBIBYTE = 1024 * 1024
LARGEST = {Kind.IMAGE: 10 * MEBIBYTE, Kind.VIDEO: 100 * MEBIBYTE}
TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "webm": "video/webm",
}
PIECE = 256 * 1024


class NotShowable(QualzError):
    """A file that browsers would not show, or that is too large."""

    status = 415


def folder_of(study: Study) -> str:
    return f"stimuli/{study.public_id}"


def sniffed(head: bytes) -> str | None:
    """The ending that fits what a file begins with; what it is called does not matter."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and head[8:12] not in (b"heic", b"avif", b"mif1"):
        return "mp4"
    if head.startswith(b"\x1aE\xdf\xa3") and b"webm" in head[:64]:
        return "webm"
    return None


def keep(study: Study, stream: IO[bytes], storage: Storage) -> Stimulus:
    """Keep a file of the study's, whole or not at all. Raises `NotShowable` and `DiskFull`."""
    head = stream.read(PIECE)
    ending = sniffed(head)
    if ending is None:
        raise NotShowable(
            "That is no picture or film that every browser shows. "
            "Choose a PNG, JPEG, GIF or WebP picture, or an MP4 or WebM film."
        )
    kind = Kind(TYPES[ending].partition("/")[0])
    digest, count, piece = hashlib.sha256(), 0, head
    with storage.workspace("stimulus") as workspace:
        path = workspace / "file"
        with path.open("wb") as file:
            while piece:
                count += len(piece)
                if count > LARGEST[kind]:
                    raise NotShowable(too_large(kind))
                storage.demand_room(len(piece))
                digest.update(piece)
                file.write(piece)
                piece = stream.read(PIECE)
        name = f"{folder_of(study)}/{digest.hexdigest()}.{ending}"
        if not storage.exists(name):
            storage.publish(path, name)
    return Stimulus(kind=kind, source=name)


def too_large(kind: Kind) -> str:
    what = "picture" if kind is Kind.IMAGE else "film"
    return f"The {what} is too large: at most {LARGEST[kind] // MEBIBYTE} MB. Choose a smaller one."


def mime_type(file: str) -> str | None:
    return TYPES.get(file.rpartition(".")[2])


def is_of(study: Study, source: str) -> bool:
    """Whether a name is that of one of the study's own files."""
    name = source.removeprefix(f"{folder_of(study)}/")
    stem, _, ending = name.partition(".")
    is_digest = len(stem) == 64 and all(sign in "0123456789abcdef" for sign in stem)
    return name != source and is_digest and ending in TYPES


def shown_in(questions: list[Question], file: str) -> Stimulus | None:
    """The stimulus of that file, where one of the questions shows it."""
    shown = [question.stimulus for question in questions if question.stimulus]
    return next((one for one in shown if one.file and one.file == file), None)
