"""What was recorded, measured from the files that arrived and not by Qualz's own words."""

from __future__ import annotations

from pathlib import Path

import av


def seconds_of(path: Path) -> float:
    """From the first to the last moment that a part's packets cover, decoded or not."""
    begins, ends = [], []
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.pts is None or packet.time_base is None:
                continue
            at = float(packet.pts * packet.time_base)
            begins.append(at)
            ends.append(at + float((packet.duration or 0) * packet.time_base))
    return max(ends) - min(begins)


def has_picture(path: Path) -> bool:
    with av.open(str(path)) as container:
        return bool(container.streams.video)
