"""Parts that were made to hurt, among good ones: they cost themselves, and a little time."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qualz.media.containers import foreign
from qualz.media.probe import Unreadable, probe
from tests.media import malice
from tests.media.malice import MALICE
from tests.media.test_ffmpeg import listener as listener
from tests.media.test_ffmpeg import nobody_came

MIB = 1024 * 1024
# By what the decoder or the demuxer says of them; the others hold a moment that can be played.
LEFT_OUT = {
    "a playlist over http": "it does not begin like a recording",
    "a list of pieces": "it does not begin like a recording",
    "samples at an alias": "it has a header but no sound or picture",
    "a picture of 256 megapixels": "its picture is larger than that of any camera",
    "a header of 65535×65535": "it is too damaged to be joined to the others",
    # The demuxer makes no more of them.
    "10,000 tracks": "it has 1000 tracks, which no recorder writes",
    "10,000 tracks of mp4": "its header is damaged",
    "a size beyond the file": "it has a header but no sound or picture",
    "boxes in boxes": "its header is damaged",
    "elements in elements": "it has a header but no sound or picture",
    "boxes of no size": "its header is damaged",
    "boxes of their heads only": "its header is damaged",
    "laces": "it has a header but no sound or picture",
    "a picture named webm": "it does not begin like a recording",
}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the server's that is nobody's business, and would play."""
    path = tmp_path / "secret.mp4"
    path.write_bytes(malice.mp4(malice.track_of_mp4(malice.full(b"url ", flags=1), 1000)))
    os.utime(path, (1, 2))
    return path


@pytest.fixture
def parts(secret: Path, listener, tmp_path: Path) -> Iterator[dict[str, Path]]:
    made = {}
    for number, (name, make) in enumerate(MALICE.items()):
        made[name] = tmp_path / f"part-{number:03}.webm"
        made[name].write_bytes(make(secret, listener.getsockname()[1]))
    yield made
    assert nobody_came(listener)
    # The system notes when a file was last read that was written to since.
    assert secret.stat().st_atime == 1
    secret.read_bytes()
    assert secret.stat().st_atime > 1, "this file system notes no reading, so nothing is shown"


def test_malicious_parts_among_good_ones_cost_nothing_but_themselves(
    parts: dict[str, Path], bench, sample, judge
):
    good = sample("chromium-opus.webm")
    began = time.monotonic()
    report = bench.merge(good, *parts.values(), good)
    assert time.monotonic() - began < 60
    told = {name: part.left_out for name, part in zip(parts, report.parts[1:-1], strict=True)}
    assert {name: reason for name, reason in told.items() if reason} == LEFT_OUT
    assert report.parts[0].left_out is report.parts[-1].left_out is None
    assert report.duration == pytest.approx(12.0, abs=2.5)
    assert report.mime_type == "audio/webm"
    assert judge.complaints(bench.out) == ""
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        assert resource.getrusage(who).ru_maxrss * 1024 < 1024 * MIB


def test_a_damaged_word_about_its_size_costs_no_picture(tmp_path: Path):
    """One that is beyond measure for a moment only is still a picture."""
    sizes = [320] * 29 + [16_383] + [320] * 30
    frames = (malice.block(33 * at, malice.huge_vp8(size)) for at, size in enumerate(sizes))
    track = malice.picture_track("V_VP8", 320, 320)
    path = tmp_path / "part.webm"
    path.write_bytes(malice.webm(track, inside=malice.cluster(0, *frames)))
    found = probe(path)
    assert found.video
    assert (16383, 16383) in {size[:2] for size in found.video.sizes}
    assert not found.video.is_beyond_measure


def test_what_browsers_really_record_is_never_taken_for_anything_else(sample):
    samples = [path for path in sample("").iterdir() if path.suffix in (".webm", ".mp4", ".ogg")]
    assert len(samples) > 5
    for path in samples:
        data = path.read_bytes()
        for count in (*range(1, 600), 1000, 64 * 1024):
            assert foreign(data[:count]) is None, path


def test_no_more_tracks_are_opened_than_recorders_write(tmp_path: Path):
    path = tmp_path / "part.webm"
    path.write_bytes(malice.webm(*map(malice.opus_track, range(1, 40)), inside=malice.second()))
    with pytest.raises(Unreadable, match="39 tracks"):
        probe(path)
