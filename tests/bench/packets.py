"""Whether a Full Session holds what its parts hold, read by a demuxer that is not ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import zip_longest
from pathlib import Path

import av

KINDS = ("video", "audio")


def changed_packets(parts: Sequence[Path], out: Path) -> int:
    """How many packets of the parts are not in `out` as they were, in their place; and how many
    there are in it that no part holds."""
    return sum(
        recorded != kept
        for kind in KINDS
        for recorded, kept in zip_longest(
            (packet for part in parts for packet in _packets(part, kind)), _packets(out, kind)
        )
    )


def _packets(path: Path, kind: str) -> Iterator[bytes]:
    with av.open(str(path)) as container:
        for stream in container.streams:
            if stream.type == kind:
                for packet in container.demux(stream):
                    # The last one that a demuxer gives is empty.
                    if packet.size:
                        yield blake2b(bytes(packet), digest_size=16).digest()
