"""What a recording holds, judged by its packets: headers of browser files lie or are silent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from qualz.media.containers import declares_video, foreign, sniff
from qualz.media.ffmpeg import UPLOADED_FORMATS
from qualz.media.orientation import read_turn
from qualz.media.track import Gatherer, Track

__all__ = ["Probe", "Track", "Unreadable", "declares_video", "foreign", "opened", "probe", "sniff"]

LONGEST = 24 * 60 * 60.0  # seconds: no recorder runs for longer
MOST_TRACKS = 32  # a recorder writes two; whoever opens more opens a decoder for each
SLOW = "its header takes too long to read"
OPENED_WITHIN = 10.0  # seconds: less than a worker's lease, and a thousand times the usual
LOOK_UP = 4096  # packets between two reports of progress


class Unreadable(Exception):
    """There is no media to be had from a file; `reason` says why in a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A readable file: its container and its tracks, at most one picture and one sound."""

    container: str  # webm, mp4, ogg; otherwise the demuxer's name
    video: Track | None
    audio: Track | None

    @property
    def tracks(self) -> tuple[Track, ...]:
        return tuple(track for track in (self.video, self.audio) if track)

    @property
    def start(self) -> float:
        return min(track.start for track in self.tracks)

    @property
    def end(self) -> float:
        return max(track.end for track in self.tracks)

    @property
    def duration(self) -> float:
        return self.end - self.start

    def as_json(self) -> dict[str, Any]:
        return {
            "container": self.container,
            "start": self.start,
            "end": self.end,
            "duration": self.duration,
            "tracks": [track.as_json() for track in self.tracks],
        }


def probe(
    path: Path,
    *,
    formats: str = UPLOADED_FORMATS,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Probe:
    """Read every packet of the file, decode none.

    Raises `Unreadable`, with the reason in words.
    """
    size = path.stat().st_size if path.is_file() else 0
    if size == 0:
        raise Unreadable("it is empty")
    with opened(path, formats) as container:
        if len(container.streams) > MOST_TRACKS:
            raise Unreadable(f"it has {len(container.streams)} tracks, which no recorder writes")
        names = container.format.name.split(",")
        turn = read_turn(path) if "mp4" in names else 0
        gatherers = {
            stream.index: Gatherer(stream, turn if stream.type == "video" else 0)
            for stream in (*container.streams.video[:1], *container.streams.audio[:1])
            if stream.codec_context is not None
        }
        for number, packet in enumerate(_demuxed(container)):
            if gatherer := gatherers.get(packet.stream.index):
                gatherer.take(packet)
            if number % LOOK_UP == 0:
                on_progress(min(1.0, (packet.pos or 0) / size))
        tracks = {gatherer.kind: gatherer.track() for gatherer in gatherers.values()}
    if not any(tracks.values()):
        raise Unreadable("it has a header but no sound or picture")
    if max(track.seconds for track in tracks.values() if track) > LONGEST:
        raise Unreadable("by its own clock it runs for more than a day")
    return Probe(
        container="webm" if "webm" in names else "mp4" if "mp4" in names else names[0],
        video=tracks.get("video"),
        audio=tracks.get("audio"),
    )


def opened(path: Path, formats: str) -> Any:
    """An open PyAV container of the file and of nothing that it may point to.

    Raises `Unreadable`.
    """
    options = {"format_whitelist": formats, "protocol_whitelist": "file"}
    try:
        return av.open(f"file:{path}", options=options, timeout=(OPENED_WITHIN, None))
    except av.ExitError as endless:
        raise Unreadable(SLOW) from endless
    except (av.FFmpegError, OSError, ValueError) as error:
        with path.open("rb") as file:
            known = sniff(file.read(16))
        raise Unreadable(
            "its header is damaged" if known else "it does not begin like a recording"
        ) from error


def _demuxed(container: Any) -> Iterator[Any]:
    """Packets until the end, or until damage that the demuxer does not get past."""
    try:
        for packet in container.demux():
            if packet.size and packet.pts is not None:
                yield packet
    except (av.FFmpegError, OSError):
        return
