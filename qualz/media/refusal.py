"""Which packets of a file a decoder refuses: a program of its own, for what it decodes is hostile.

Reads a question from stdin and writes each refused packet as a line to stdout: [when it comes in
seconds, its ending in hexadecimal digits]. It knows little, so that it starts soon.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import av

from qualz.media.packets import SILENT_OPUS, opus_seconds

# What an interpreter is given that is to find this package and nothing of its surroundings.
PROGRAM = (
    *(sys.executable, "-I", "-c"),
    "import sys; sys.path.insert(0, sys.argv[1]); from qualz.media import refusal; refusal.main()",
    str(Path(__file__).parents[2]),
)


def main() -> None:
    for time, ending in _refused(**json.load(sys.stdin)):
        print(json.dumps([time, ending.hex()]), flush=True)  # noqa: T201


def _refused(
    path: str, formats: str, spans: Sequence[Sequence[float]], ending: int
) -> Iterator[tuple[float, bytes]]:
    lengths: dict[tuple[float, bytes], float] = {}
    options = {"format_whitelist": formats, "protocol_whitelist": "file"}
    with suppress(av.FFmpegError, OSError), av.open(f"file:{path}", options=options) as container:
        for packet in _packets(container):
            time = float(packet.pts * packet.time_base)
            if not any(start <= time <= end for start, end in spans):
                continue
            name = time, bytes(packet)[-ending:]
            try:
                packet.decode()
            except av.FFmpegError:
                yield name
            if packet.stream.codec_context.name == "opus" and name[1] != SILENT_OPUS:
                lengths[name] = opus_seconds(memoryview(packet))
    # A recorder never changes the length of its packets; whatever else it is, it moves the rest.
    usual = Counter(lengths.values()).most_common(1)
    yield from (name for name, length in lengths.items() if length != usual[0][0])


def _packets(container: Any) -> Iterator[Any]:
    media = [s for s in container.streams if s.type in ("video", "audio") and s.codec_context]
    for stream in media:
        # With more of them an error comes with a later packet.
        stream.codec_context.thread_count = 1
    for packet in container.demux(media):
        if packet.size and packet.pts is not None:
            yield packet
