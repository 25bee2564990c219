"""What a player shows before and beside what it plays."""

from __future__ import annotations

import av
import pytest

from qualz.media import waveform
from qualz.media.ffmpeg import Failed
from qualz.media.poster import poster
from tests.media.metronome import Metronome, beeps

FILMED, HEARD = "chromium-vp8-opus.webm", "chromium-opus.webm"


@pytest.fixture
def peaks(tmp_path, ffmpeg, judge):
    return lambda path: waveform.peaks(path, judge.length(path), tmp_path, ffmpeg=ffmpeg)


def test_peaks_are_where_it_is_loud(bench, sample, material, peaks):
    report = bench.merge(sample(HEARD), material.only("v", FILMED), sample(HEARD))
    found = peaks(bench.out)
    one, silent, _ = (round(part.duration * waveform.PER_SECOND) for part in report.parts)
    assert len(found) == pytest.approx(report.duration * waveform.PER_SECOND, abs=1)
    assert max(found[:one]) > 20
    assert max(found[one + 2 : one + silent - 2]) <= 1
    assert max(found[one + silent :]) > 20


def test_each_beep_is_in_its_window(tmp_path_factory, judge, bench, peaks):
    part = Metronome(tmp_path_factory.mktemp("metronome"), judge).records("safari 18", 5)
    bench.merge(part, part)
    found = peaks(bench.out)
    loud = {place for place, peak in enumerate(found) if peak > 64}
    heard = beeps(bench.out)
    assert len(heard) == 10
    for beep in heard:
        assert loud & {int(beep * waveform.PER_SECOND) + near for near in (0, 1)}
    # A beep lasts a tenth of a second: two windows, or three.
    assert len(loud) <= 4 * len(heard)


def test_a_hole_of_hours_costs_nothing(tmp_path, judge, sample, peaks):
    """The sound goes on ten hours later; nothing is made up in between."""
    far, listing = tmp_path / "far.webm", tmp_path / "list"
    listing.write_text(f"file '{sample(HEARD)}'\nduration 36000\nfile '{sample(HEARD)}'\n")
    judge.convert("-f", "concat", "-safe", "0", "-i", listing, "-c", "copy", far)
    found = peaks(far)
    assert len(found) > 36_000 * waveform.PER_SECOND
    assert max(found[: 3 * waveform.PER_SECOND]) > 20
    assert max(found[7 * waveform.PER_SECOND : 36_000 * waveform.PER_SECOND - 1]) == 0
    assert max(found[36_000 * waveform.PER_SECOND :]) > 20


def test_a_file_without_sound_has_no_peaks(material, peaks):
    with pytest.raises(Failed):
        peaks(material.only("v", FILMED))


def test_a_poster_is_a_small_picture_of_the_session(tmp_path, ffmpeg, sample):
    out = tmp_path / "poster.jpg"
    poster(sample(FILMED), 6.0, out, ffmpeg=ffmpeg)
    with av.open(str(out)) as picture:
        frame = next(picture.decode(video=0))
    assert (frame.width, frame.height) == (640, 480)
    assert out.stat().st_size < 200_000
