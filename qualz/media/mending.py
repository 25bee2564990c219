"""Writes a damaged part anew before it is merged, and says what is missing of it, in seconds.

Demuxers stop at the first damage or each get past it in their own way. So whole packets are
gathered first, by a reader for each container, and stand in a clean file at their own times; where
sound is missing there is silence, since a player that hears nothing does not wait. The part itself
is never changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import pairwise
from pathlib import Path
from statistics import median

from qualz.media import refusal
from qualz.media.clusters import Clusters
from qualz.media.containers import sniff
from qualz.media.decoding import WHOLE, WINDOW
from qualz.media.ffmpeg import UPLOADED_FORMATS, answers
from qualz.media.fragments import Fragments, is_intact
from qualz.media.ogg_pages import OggPages
from qualz.media.order import in_order, is_in_order
from qualz.media.probe import LONGEST, Probe, Unreadable
from qualz.media.progress import seldom
from qualz.media.sandbox import Limits
from qualz.media.stretches import (
    AUDIBLE,
    ENDING,
    LEAP,
    Break,
    Bytes,
    Container,
    Stretch,
    around,
    gaps,
    is_holed,
    mapped,
    smears,
    without,
)

_READERS: dict[str, Callable[[Bytes, Callable[[], None]], Container]] = {
    "webm": Clusters,
    "mp4": Fragments,
    "ogg": OggPages,
}

NOTICED = 0.250  # seconds without sound that a recorder never leaves out by itself
OVERHEAD = 64  # bytes that a container spends on a packet at most
ROUNDS = 4  # of taking out what a decoder refuses: what built on it is refused in the next
# A picture of 4096×4096 takes 24 MB, and a decoder keeps some ten of them.
DECODING = Limits(memory=1024**3)
AIR = 16 * 1024  # bytes that it spends on itself besides


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What a damaged part became: a clean file, and what was found on the way.

    From when to when, in seconds on the file's clock, there is no sound (`silent`), no picture
    (`unseen`), or one that builds on lost ones (`smeared`). `again` counts what came twice.
    """

    path: Path
    breaks: tuple[Break, ...]
    silent: tuple[tuple[float, float], ...]
    again: int
    unseen: tuple[tuple[float, float], ...]
    smeared: tuple[tuple[float, float], ...]


def looks_damaged(path: Path, probe: Probe) -> bool:
    """Whether a file is worth a closer look; cheap enough to ask of every part."""
    tracks = probe.tracks
    if any(track.corrupt or not track.monotonic for track in tracks):
        return True
    if probe.audio and _longest_step(list(probe.audio.times)) > NOTICED:
        return True
    if probe.container == "mp4":
        if not is_intact(path):
            return True
    elif path.stat().st_size > AIR + sum(
        track.size + OVERHEAD * (track.packets + track.leading) for track in tracks
    ):
        return True
    if any(track.codec.startswith("pcm") for track in tracks):
        return False
    with mapped(path) as data:
        return is_holed(data)


def _longest_step(times: list[float]) -> float:
    """Seconds between two packets, beyond what is usual."""
    steps = [later - sooner for sooner, later in pairwise(times)]
    return max(steps) - median(steps) if steps else 0.0


def mend(
    path: Path,
    out: Path,
    *,
    closely: bool = False,
    on_beat: Callable[[], None] = lambda: None,
) -> Mended | None:
    """Write what is whole of a file into `out`; `None` where that is the file itself, or nothing
    that is understood. `closely`: even where nothing but a decoder would notice."""
    beat = seldom(on_beat)
    with mapped(path) as data:
        try:
            container = _READERS[sniff(data[:16]) or ""](data, beat)
        except (KeyError, ValueError):
            return None
        found = container.found
        ordered, again, astray = in_order(found.stretches)
        found.breaks += astray
        silent = _silences(ordered, container)
        is_fine = is_in_order(found.stretches) and not (found.breaks or again or silent)
        if not ordered or (is_fine and not closely):
            return None
        if ordered[-1].start - ordered[0].start > LONGEST:
            raise Unreadable("by its own clock it runs for more than a day")
        _write(out, container, ordered, silent, beat)
        for _ in range(ROUNDS):
            spans = around(ordered, found.breaks, container.picture)
            if closely:
                spans = _looked_at(ordered)
            ordered, lost = without(ordered, data, refused(out, spans, beat))
            if not lost:
                break
            found.breaks += lost
            silent = _silences(ordered, container)
            _write(out, container, ordered, silent, beat)
        if not ordered or (is_fine and not found.breaks):
            return None
    return Mended(
        path=out,
        breaks=tuple(found.breaks),
        silent=tuple(silent),
        unseen=tuple(gaps(ordered, container.picture)),
        smeared=tuple(smears(ordered, found.breaks, container.picture)),
        again=again,
    )


def _silences(ordered: Sequence[Stretch], container: Container) -> list[tuple[float, float]]:
    """From when to when there is no sound: from nought on, where the beginning is what is lost."""
    silent = gaps(ordered, container.sound)
    if any(broken.before <= 0.0 for broken in container.found.breaks):
        packets = (packet for stretch in ordered for packet in stretch.packets)
        heard = min((p.time for p in packets if p.track == container.sound), default=0.0)
        if AUDIBLE < heard <= LEAP:
            silent.insert(0, (0.0, heard))
    return silent


def _looked_at(ordered: Sequence[Stretch]) -> list[tuple[float, float]]:
    """What verifying decodes of a part, and so may complain of."""
    start = ordered[0].start
    end = max(packet.time + packet.length for packet in ordered[-1].packets)
    if end - start <= WHOLE:
        return [(start - 1.0, end + 1.0)]
    return [(start - 1.0, start + 2 * WINDOW), (end - 2 * WINDOW, end + 1.0)]


def _write(
    out: Path,
    container: Container,
    ordered: Sequence[Stretch],
    silent: Sequence[tuple[float, float]],
    beat: Callable[[], None],
) -> None:
    recorded = ((stretch.start, container.written(stretch)) for stretch in ordered)
    quiet = ((start, container.silence(start, end)) for start, end in silent)
    with out.open("wb") as file:
        file.write(container.header())
        for _, written in merge(recorded, quiet, key=lambda one: one[0]):
            file.write(written)
            beat()


def refused(
    path: Path, spans: Sequence[tuple[float, float]], beat: Callable[[], None]
) -> set[tuple[float, bytes]]:
    """When those packets of a file come that a decoder does not take, and how they end; within
    spans of its time, as far as the decoder comes.

    Garbage does not show from outside, and some pictures cannot be made without those that they
    build on; a player stops for good at either.
    """
    asked = {"path": str(path), "formats": UPLOADED_FORMATS, "spans": spans, "ending": ENDING}
    seconds = min(LONGEST, sum(end - start for start, end in spans))
    lines = answers(
        refusal.PROGRAM,
        json.dumps(asked).encode(),
        on_beat=beat,
        limit=120.0 + 10 * seconds,
        limits=DECODING,
    )
    return {(float(time), bytes.fromhex(ending)) for time, ending in map(json.loads, lines)}
