"""Parts that were damaged on their way: what is whole of them is kept at its own time, and what is
missing is told in seconds. Judged from outside; the numbers are those of the list of faults.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qualz.media.clusters import Clusters
from qualz.media.full_session import CannotMerge, PartReport, Source
from qualz.media.packets import SILENT_OPUS
from qualz.media.stretches import Packet, Stretch, without
from tests.later import later_but_for
from tests.media.metronome import BROWSERS, FIRST, TOGETHER, Metronome, beeps, flashes, near

SECONDS = 8
KEY_FRAMES = 2.1  # seconds from one to the next, in what the metronome records


@pytest.fixture(scope="session")
def metronome(tmp_path_factory, judge) -> Metronome:
    return Metronome(tmp_path_factory.mktemp("metronome"), judge)


# --- What happens to bytes -----------------------------------------------------------------------


def noughts(data: bytes, start: int, end: int) -> bytes:
    """As a journal fills what its page took with it."""
    return data[:start] + bytes(end - start) + data[end:]


def cut_out(data: bytes, start: int, end: int) -> bytes:
    return data[:start] + data[end:]


def garbage(data: bytes, start: int, end: int) -> bytes:
    return data[:start] + random.Random(start).randbytes(end - start) + data[end:]


Fault = Callable[[bytes, int, int], bytes]
FAULTS: list[Fault] = [noughts, cut_out, garbage]


def damaged(part: Path, fault: Fault, start: float, end: float) -> Path:
    """A recording with a fault from one share of its bytes to another."""
    data = part.read_bytes()
    path = part.with_name(f"{part.stem}-{fault.__name__}-{start}-{end}{part.suffix}")
    path.write_bytes(fault(data, int(len(data) * start), int(len(data) * end)))
    return path


def check_time(session: Path, part: PartReport, seconds: int, *, filmed: bool) -> int:
    """Every flash and beep outside of the holes is at its time; how many beeps were heard."""
    lit = flashes(session) if filmed else []
    heard = beeps(session)
    found = 0
    for second in range(seconds):
        at = second + FIRST
        if any(h.start - 0.2 < at < h.start + (h.seconds or SECONDS) + 0.2 for h in part.holes):
            continue
        expected = part.start + at
        assert near(heard, expected) == pytest.approx(expected, abs=TOGETHER), second
        found += 1
        # Pictures that build on lost ones show what they may, until the next whole one.
        blurred = any(
            h.start - 0.2 < at < h.start + (h.seconds or 0) + KEY_FRAMES for h in part.holes
        )
        if filmed and not blurred:
            assert near(lit, expected) == pytest.approx(near(heard, expected), abs=TOGETHER), second
    return found


# --- Holes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("browser", list(BROWSERS))
def test_a_hole_costs_what_was_in_it_and_nothing_after(  # 18
    browser, fault, bench, judge, metronome
):
    whole = metronome.records(browser, SECONDS)
    report = bench.merge(whole, damaged(whole, fault, 0.45, 0.5), whole)
    part = report.parts[1]
    assert [hole.reason for hole in part.holes] == ["damaged on the way"]
    assert part.missing == part.holes[0].seconds
    assert 0.1 < part.missing < 4.5
    assert part.duration == pytest.approx(SECONDS, abs=0.1)
    assert check_time(bench.out, part, SECONDS, filmed=True) >= SECONDS - 5
    assert check_time(bench.out, report.parts[2], SECONDS, filmed=True) == SECONDS
    assert judge.complaints(bench.out) == ""


REAL = [
    *("chromium-vp8-opus.webm", "chromium-vp9-opus.webm", "chromium-avc1-opus.webm"),
    *("chromium-vp9-opus.mp4", "firefox-vp8-opus.webm"),
    *("chromium-opus.webm", "chromium-opus.mp4", "firefox-opus.webm"),
]
# One of each container and layout.
TYPICAL = ("chromium-vp8-opus.webm", "chromium-vp9-opus.mp4", "firefox-opus.webm")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", later_but_for(TYPICAL, REAL))
def test_a_hole_in_what_a_browser_really_wrote(name, fault, bench, judge, sample, tmp_path):  # 18
    """All packets that lie wholly outside of it are kept; they are where they belong."""
    whole = tmp_path / name
    whole.write_bytes(sample(name).read_bytes())
    report = bench.merge(damaged(whole, fault, 0.40, 0.45))
    [part] = report.parts
    # In an MP4 a hole may lie in a run of pictures alone.
    assert part.holes or part.notes
    holed = [(hole.start - 0.5, hole.start + hole.seconds + 0.5) for hole in part.holes]
    assert all(0.05 < hole.seconds < 2.5 for hole in part.holes)
    assert report.duration == pytest.approx(judge.length(whole), abs=0.35)
    for kind in {kind for kind, _ in judge.tracks(whole)}:
        recorded = judge.packets(whole, kind)
        place = {data: time for time, data in recorded}
        if (kind, "h264") in judge.tracks(whole):
            continue
        kept = [(time, data) for time, data in judge.packets(bench.out, kind) if data in place]
        if kind == "audio" and holed:
            outside = {
                data
                for time, data in recorded
                if not any(start < time < end for start, end in holed)
            }
            assert outside <= {data for _, data in kept}
        moved = [time - place[data] for time, data in kept]
        assert max(moved) - min(moved) < TOGETHER
    assert judge.complaints(bench.out) == ""


@pytest.mark.parametrize("browser", ["chrome", "chrome mp4", "safari", "firefox"])
def test_noughts_at_the_end_are_not_taken_for_a_recording(browser, bench, judge, metronome):
    whole = metronome.records(browser, SECONDS)
    source = Source(
        path=damaged(whole, noughts, 0.6, 1.0), label="Part 1", gap_before=None, recorded=SECONDS
    )
    [part] = bench.merge(source).parts
    [hole] = part.holes
    assert hole.start == pytest.approx(part.duration, abs=0.001)
    assert hole.seconds == pytest.approx(SECONDS - part.duration, abs=0.01)
    assert 1 < part.missing < SECONDS
    assert check_time(bench.out, part, SECONDS, filmed=True) > 1
    assert judge.complaints(bench.out) == ""


def test_where_the_recorder_never_said_how_long_it_ran_the_rest_is_unknown(bench, metronome):
    [part] = bench.merge(damaged(metronome.records("chrome", SECONDS), noughts, 0.6, 1.0)).parts
    assert part.holes[0].seconds is None
    assert part.missing is None
    assert "an unknown time is missing" in str(part)


def test_several_holes_are_told_one_by_one(bench, metronome):
    part = metronome.records("chrome mp4", SECONDS)
    twice = damaged(damaged(part, noughts, 0.2, 0.25), garbage, 0.7, 0.75)
    [told] = bench.merge(twice).parts
    assert len(told.holes) == 2
    assert told.missing == pytest.approx(sum(hole.seconds for hole in told.holes))
    assert len(str(told).splitlines()) == 2


def test_a_hole_between_whole_clusters_leaves_only_time_as_its_trace(bench, metronome, sample):
    """Nothing is torn, yet nobody saw or heard anything for a second."""
    data = sample("chromium-vp8-opus.webm").read_bytes()
    cluster = b"\x1f\x43\xb6\x75"
    second = data.index(cluster, data.index(cluster) + 4)
    third = data.index(cluster, second + 4)
    cut = metronome.folder / "a-cluster-short.webm"
    cut.write_bytes(data[:second] + data[third:])
    [part] = bench.merge(cut).parts
    [hole] = part.holes
    assert hole.reason == "nothing of it came"
    assert hole.seconds == pytest.approx(1.0, abs=0.2)


def test_silence_beside_a_picture_is_no_hole(bench, metronome):  # 25
    """The microphone gave nothing, which is said, but nothing recorded is missing."""
    mute = metronome.records("chrome", 6, sound="aselect='lt(t,1.2)+gte(t,3.2)'")
    [part] = bench.merge(mute).parts
    assert part.holes == ()
    assert part.missing == 0
    [note] = part.notes
    assert re.fullmatch(r"there is no sound from 0:01\.[23] to 0:03\.[23]", note)


# --- Order ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("browser", ["chrome", "chrome mp4", "safari", "firefox"])
def test_a_stretch_that_came_twice_is_kept_once(browser, bench, judge, metronome):  # 18
    whole = metronome.records(browser, SECONDS)
    [part] = bench.merge(damaged(whole, twice, 0.4, 0.7)).parts
    assert part.duration == pytest.approx(SECONDS, abs=0.1)
    check_time(bench.out, part, SECONDS, filmed=True)
    assert any("came twice" in note for note in part.notes) or part.holes
    assert judge.complaints(bench.out) == ""


@pytest.mark.parametrize("browser", ["chrome", "chrome mp4", "safari", "firefox"])
def test_stretches_that_changed_places_are_put_in_order(browser, bench, judge, metronome):  # 18
    whole = metronome.records(browser, SECONDS)
    source = Source(
        path=damaged(whole, swapped, 0.3, 0.8), label="Part 1", gap_before=None, recorded=SECONDS
    )
    [part] = bench.merge(source).parts
    # What is torn where they were cut apart is lost, be it at the end.
    lost_at_end = sum(hole.seconds for hole in part.holes if hole.start >= part.duration - 0.01)
    assert part.duration + lost_at_end == pytest.approx(SECONDS, abs=0.1)
    assert part.holes
    check_time(bench.out, part, SECONDS, filmed=False)
    assert judge.complaints(bench.out) == ""


def twice(data: bytes, start: int, end: int) -> bytes:
    return data[:end] + data[start:]


def swapped(data: bytes, start: int, end: int) -> bytes:
    middle = (start + end) // 2
    return data[:start] + data[middle:end] + data[start:middle] + data[end:]


# --- What nothing can be made of -----------------------------------------------------------------


def test_one_bad_part_among_fifty_costs_that_part_only(bench, judge, metronome):  # 22
    good = metronome.records("chrome", 1)
    bad = metronome.folder / "bad.webm"
    bad.write_bytes(b"a page of a captive portal" * 200)
    sources = [
        Source(path=bad if n == 30 else good, label=f"Part {n}", gap_before=None, recorded=1.0)
        for n in range(1, 51)
    ]
    report = bench.merge(*sources)
    assert [part.label for part in report.left_out] == ["Part 30"]
    [left] = report.left_out
    assert (left.left_out, left.missing) == ("it does not begin like a recording", 1.0)
    assert str(left) == "Part 30 (1.0 s) was left out: it does not begin like a recording"
    assert judge.frames(bench.out) == 49 * judge.frames(good)
    for part in report.parts:
        if not part.left_out:
            assert (
                check_time(bench.out, part, 1, filmed=False) == 1 if part.index % 7 == 0 else True
            )


def test_one_holed_part_among_fifty_costs_its_hole_only(bench, judge, metronome):  # 22
    good = metronome.records("chrome", 1)
    holed = damaged(metronome.records("chrome", SECONDS), noughts, 0.4, 0.5)
    report = bench.merge(*[holed if n == 30 else good for n in range(50)])
    assert report.left_out == ()
    assert [part.index for part in report.parts if part.missing] == [30]
    assert report.duration == pytest.approx(49 * report.parts[0].duration + SECONDS, abs=0.2)
    assert judge.complaints(bench.out) == ""


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_readable_is_refused_with_its_reasons(fault, bench, metronome):
    lost = damaged(metronome.records("chrome", SECONDS), fault, 0.0, 0.02)
    with pytest.raises(CannotMerge, match="nothing readable: Part 1: it"):
        bench.merge(lost)
    assert not bench.out.exists()


@pytest.mark.parametrize("share", later_but_for([0.1, 0.99], [0.01, 0.1, 0.5, 0.9, 0.99]))
@pytest.mark.parametrize("browser", ["chrome", "chrome mp4", "chrome avc1", "safari", "firefox"])
def test_a_part_that_breaks_off_ends_there(browser, share, bench, judge, metronome):  # 15
    whole = metronome.records(browser, SECONDS)
    torn = damaged(whole, cut_out, share, 1.0)
    report = bench.merge(torn, whole)
    part = report.parts[0]
    if part.left_out:
        assert share < 0.1
        return
    assert part.duration <= SECONDS + 0.1
    check_time(bench.out, part, int(part.duration - 0.2), filmed=False)
    assert check_time(bench.out, report.parts[1], SECONDS, filmed=True) == SECONDS
    assert judge.complaints(bench.out) == ""


def test_a_classic_mp4_without_its_index_is_left_out(bench, judge, metronome):  # 16
    whole = metronome.records("safari", 3)
    classic = metronome.copied(whole, "classic.mp4")
    cut = damaged(classic, cut_out, 0.9, 1.0)
    report = bench.merge(whole, cut)
    assert report.parts[1].left_out == "its header is damaged"


def test_a_single_picture_and_a_fifth_of_a_second(bench, judge, metronome):  # 19
    whole = metronome.records("chrome", 3)
    one = metronome.records("chrome", 0.04, tracks="v")
    short = metronome.records("chrome", 0.2)
    report = bench.merge(whole, one, short, whole)
    assert report.left_out == ()
    assert report.parts[2].duration == pytest.approx(0.2, abs=0.07)
    assert check_time(bench.out, report.parts[3], 3, filmed=True) == 3
    assert judge.complaints(bench.out) == ""


@pytest.mark.parametrize("name", later_but_for(TYPICAL, REAL))
def test_wherever_bytes_are_hit_the_other_parts_come_out(name, bench, sample, tmp_path):
    """What is left of those that are hit keeps its length."""
    data, chance = sample(name).read_bytes(), random.Random(name)
    good = tmp_path / "good"
    good.write_bytes(data)
    parts: list[Path] = [good]
    for number in range(8):
        start = chance.randrange(2000, len(data) - 2000)
        end = min(len(data), start + chance.randrange(1, 60_000))
        hit = tmp_path / f"hit-{number}"
        hit.write_bytes(chance.choice(FAULTS)(data, start, end))
        parts.append(hit)
    report = bench.merge(*parts, good)
    assert report.parts[0].notes == report.parts[-1].notes == ()
    for part in report.parts:
        assert part.left_out is None
        assert part.duration <= report.parts[0].duration + 0.3
        assert all(0 <= hole.start <= part.duration + 0.001 for hole in part.holes)


# --- Long parts ----------------------------------------------------------------------------------


def test_a_lease_is_renewed_while_a_long_part_is_mended(sample):
    """Whoever reads a long file by hand has to say that they live, packet by packet."""
    beats: list[str] = []
    reader = Clusters(
        sample("chromium-vp8-opus.webm").read_bytes(), lambda: beats.append("reading")
    )
    assert beats.count("reading") == len(reader.found.stretches)


def test_what_is_refused_here_costs_no_packet_that_is_the_same_elsewhere(sample):
    """Pictures that stand still and moments of silence come out alike again and again."""
    quiet = [Packet(track=1, time=time, length=0.02, at=0, size=3) for time in (1, 5)]
    kept, lost = without([Stretch([one]) for one in quiet], SILENT_OPUS, {(5.001, SILENT_OPUS)})
    assert [stretch.start for stretch in kept] == [1]
    assert [broken.before for broken in lost] == [5]
