"""What simulated participants record is media, is their own, and can be had again."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import pytest

from qualz.part import EndReason
from qualz.simulation.checking import Folder, Kept, _compare, check
from qualz.simulation.take import Media, NoMedia, Take
from qualz.simulation.tally import Waits
from qualz.simulation.uplink import Part

SAMPLES = Path(__file__).parent.parent / "samples"


@pytest.fixture
def part(tmp_path: Path) -> Part:
    """Ten seconds of one participant, all of them acknowledged."""
    part = Part("key", Take(Media.read(), whose=7), "audio/webm;codecs=opus")
    part.upload, part.number, part.recorded = "/room/i/parts/upload", 1, 10
    part.acknowledged, part.reason = part.length, EndReason.FINISHED
    return part


def recorded(part: Part) -> bytes:
    return b"".join(part.take.slice(n) for n in range(part.recorded))


@pytest.mark.parametrize("sample", [None, SAMPLES / "chromium-vp8-opus.webm"])
def test_twenty_seconds_of_a_six_second_sample_play_on_end(
    tmp_path: Path, sample: Path | None
) -> None:
    take = Take(Media.read(sample) if sample else Media.read(), whose=1)
    file = tmp_path / "take.webm"
    file.write_bytes(b"".join(take.slice(n) for n in range(20)))
    with av.open(str(file)) as container:
        times = [float(frame.time or 0) for frame in container.decode(audio=0)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert times[-1] == pytest.approx(20, abs=0.1)
    assert min(gaps) > 0
    assert max(gaps) < 0.2


def test_it_is_cut_at_any_byte_and_nothing_is_missing(part: Part) -> None:
    whole, at = recorded(part), 0
    assert part.length == len(whole)
    for most in (1, 5000, 20_000, 10**6) * 10:
        piece, after = part.take.read(at, part.recorded, most)
        assert whole[at:].startswith(piece)
        at += len(piece)
        assert part.take.slices_within(at) == after
    assert at == len(whole)
    assert part.take.read(100, 1, 10)[0] == part.take.slice(0)[100:]


def test_two_participants_never_record_the_same_second() -> None:
    media = Media.read()
    seconds = {Take(media, whose).slice(n) for whose in range(3) for n in range(30)}
    assert len(seconds) == 90


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "letter.webm"
    file.write_text("Dear Ada")
    with pytest.raises(NoMedia):
        Media.read(file)


@pytest.mark.parametrize(
    ("stored", "lost", "foreign"),
    [
        (lambda whole: whole, 0, 0),
        (lambda whole: whole[:-1], 1, 0),
        (lambda whole: b"", None, 0),
        (lambda whole: whole + b"more", 0, 4),
        (lambda whole: whole[:-3] + b"x" + whole[-2:], 3, 3),
    ],
    ids=["whole", "a byte short", "empty", "longer", "a byte changed"],
)
def test_every_byte_is_held_against_what_was_recorded(
    part: Part, tmp_path: Path, stored, lost: int | None, foreign: int
) -> None:
    folder = tmp_path / "interviews" / "i"
    folder.mkdir(parents=True)
    (folder / "part-001-upload.webm").write_bytes(stored(recorded(part)))

    class Person:
        id, parts = "i", [part]

    kept = check([Person()], Folder(tmp_path))
    assert (kept.lost, kept.foreign) == (part.length if lost is None else lost, foreign)


def test_a_part_that_is_gone_is_lost_as_far_as_it_was_acknowledged(part: Part) -> None:
    part.acknowledged = 1000
    kept = Kept("nowhere")
    _compare(part, None, kept)
    assert kept.lost == 1000


def test_percentiles_are_right_to_a_hundredth() -> None:
    waits = Waits()
    for milliseconds in range(1, 1001):
        waits.note(milliseconds / 1000)
    assert waits.percentile(0.5) == pytest.approx(0.5, rel=0.02)
    assert waits.percentile(0.99) == pytest.approx(0.99, rel=0.02)
    assert waits.longest == 1.0
    assert Waits().percentile(0.5) is None
