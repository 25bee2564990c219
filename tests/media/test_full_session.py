"""Full Sessions made of real recordings, judged by ffmpeg's decoders and PyAV's demuxers."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import av
import pytest

from qualz.media.full_session import CannotMerge, Source
from tests.media.conftest import Workbench, running_ffmpegs

RECORDINGS = [
    "chromium-vp8-opus.webm",
    "chromium-vp9-opus.webm",
    "chromium-vp9-opus.mp4",
    "firefox-vp8-opus.webm",
]
SOUNDS = ["chromium-opus.webm", "chromium-opus.mp4", "firefox-opus.webm"]


def payload(judge, kind, *paths):
    return [data for path in paths for _, data in judge.packets(path, kind)]


def all_times(judge, path):
    """The times of each track's packets."""
    return [[time for time, _ in judge.packets(path, kind)] for kind in ("video", "audio")]


def shifts(judge, part, session, kind, *, skip):
    """By how much each packet of a part was moved, in seconds, `skip` packets into the session."""
    recorded = judge.packets(part, kind)
    joined = judge.packets(session, kind)[skip : skip + len(recorded)]
    return [late - early for (early, _), (late, _) in zip(recorded, joined, strict=True)]


# --- Every packet, bit for bit -------------------------------------------------------------------


@pytest.fixture(scope="module", params=RECORDINGS)
def uniform(request, tmp_path_factory, ffmpeg, sample, material):
    """Parts of one browser, one with its tracks in the other order, and what is made of them."""
    name = request.param
    parts = [sample(name), material.swapped(name), material.shortened(name, 3)]
    bench = Workbench(tmp_path_factory.mktemp("uniform"), ffmpeg)
    return parts, bench.out, bench.merge(*parts)


def test_every_packet_of_parts_from_one_browser_is_kept(uniform, judge):
    parts, session, report = uniform
    assert [kind for kind, _ in judge.tracks(session)] == ["video", "audio"]
    for kind in ("video", "audio"):
        assert payload(judge, kind, session) == payload(judge, kind, *parts)
    assert judge.complaints(session) == ""
    assert [part.notes for part in report.parts] == [(), (), ()]


def test_sound_stays_with_its_picture_in_every_part(uniform, judge):
    parts, session, report = uniform
    skip = {"video": 0, "audio": 0}
    for part, said in zip(parts, report.parts, strict=True):
        moved = {}
        for kind in ("video", "audio"):
            moved[kind] = shifts(judge, part, session, kind, skip=skip[kind])
            skip[kind] += len(moved[kind])
            assert max(moved[kind]) - min(moved[kind]) < 0.005
            assert moved[kind][0] == pytest.approx(said.start, abs=0.020)
        assert moved["video"][0] == pytest.approx(moved["audio"][0], abs=0.020)


def test_it_is_as_long_as_its_parts_together_and_says_so(uniform, judge):
    parts, session, report = uniform
    ends = [max(times[-1] for times in all_times(judge, part)) for part in parts]
    assert report.duration == pytest.approx(sum(ends), abs=0.3)
    assert judge.duration(session) == pytest.approx(report.duration, abs=0.15)


def test_timestamps_never_go_back(uniform, judge):
    _, session, _ = uniform
    for times in all_times(judge, session):
        assert all(sooner <= later for sooner, later in pairwise(times))


@pytest.mark.parametrize("name", SOUNDS)
def test_every_packet_of_sound_alone_is_kept(name, bench, judge, sample, material):
    report = bench.merge(sample(name), sample(name))
    assert judge.tracks(bench.out) == [("audio", "opus")]
    assert payload(judge, "audio", bench.out) == 2 * payload(judge, "audio", sample(name))
    assert report.mime_type == ("audio/mp4" if name.endswith("mp4") else "audio/webm")
    assert judge.complaints(bench.out) == ""


@pytest.mark.parametrize("name", ["chromium-vp8-opus.webm", "chromium-vp9-opus.webm"])
def test_decoded_pictures_are_those_of_the_parts_whatever_the_order_of_tracks(
    name, bench, judge, sample, material
):
    bench.merge(sample(name), material.swapped(name), sample(name))
    assert judge.frames(bench.out) == 3 * judge.frames(sample(name))


def test_parts_of_two_browsers_with_the_same_codecs_follow_each_other(bench, judge, sample):
    parts = [sample("chromium-vp8-opus.webm"), sample("firefox-vp8-opus.webm")]
    bench.merge(*parts)
    for kind in ("video", "audio"):
        assert payload(judge, kind, bench.out) == payload(judge, kind, *parts)
    assert judge.complaints(bench.out) == ""


def test_h264_in_matroska_becomes_mp4_with_the_same_pictures(bench, judge, sample):
    part = sample("chromium-avc1-opus.webm")
    report = bench.merge(part, part)
    assert report.mime_type == "video/mp4"
    assert judge.frames(bench.out) == 2 * judge.frames(part)
    assert payload(judge, "audio", bench.out) == 2 * payload(judge, "audio", part)
    assert judge.complaints(bench.out) == ""


@pytest.mark.parametrize("pictures_reordered", [False, True])
def test_h264_and_aac_of_safari_are_copied(pictures_reordered, bench, judge, material):
    part = material.like_safari(pictures_reordered=pictures_reordered)
    bench.merge(part, part, part)
    for kind in ("video", "audio"):
        assert payload(judge, kind, bench.out) == 3 * payload(judge, kind, part)
    assert judge.frames(bench.out) == 3 * judge.frames(part)


# --- Time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["chromium-vp9-opus.webm", "chromium-vp9-opus.mp4", "chromium-avc1-opus.webm"]
)
def test_seeking_to_each_part_shows_its_first_picture(name, bench, judge, sample):
    report = bench.merge(sample(name), sample(name))
    first = judge.frames(sample(name))[0]
    for part in report.parts:
        assert judge.frames(bench.out, seek=part.start) == [first]


def test_a_single_part_gets_what_browsers_leave_out(bench, judge, sample):
    part = sample("chromium-vp8-opus.webm")
    assert judge.duration(part) is None
    bench.merge(part)
    assert judge.duration(bench.out) == pytest.approx(6.0, abs=0.1)
    head = bench.out.read_bytes()
    assert head.index(b"\x1c\x53\xbb\x6b") < head.index(b"\x1f\x43\xb6\x75")
    assert payload(judge, "video", bench.out) == payload(judge, "video", part)


def test_an_mp4_can_be_played_before_it_is_loaded(bench, sample):
    bench.merge(sample("chromium-vp9-opus.mp4"))
    data = bench.out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


# --- What is missing is filled up, and named -----------------------------------------------------


@pytest.mark.parametrize(
    ("silent", "filmed"),
    [
        ("chromium-opus.webm", "chromium-vp8-opus.webm"),
        ("chromium-opus.webm", "chromium-vp9-opus.webm"),
        ("firefox-opus.webm", "firefox-vp8-opus.webm"),
        ("chromium-opus.mp4", "chromium-vp9-opus.mp4"),
        ("chromium-opus.webm", "chromium-avc1-opus.webm"),
    ],
)
def test_a_part_without_camera_gets_a_quiet_slate(silent, filmed, bench, judge, sample, material):
    expected = [material.cut_off(silent, 0.4), sample(filmed), material.cut_off(silent, 0.3)]
    report = bench.merge(*expected)
    assert [part.picture for part in report.parts] == ["slate", "copied", "slate"]
    assert [part.sound for part in report.parts] == ["copied"] * 3
    assert payload(judge, "audio", bench.out) == payload(judge, "audio", *expected)
    assert judge.complaints(bench.out) == ""
    pictures = judge.frames(bench.out)
    recorded = judge.frames(sample(filmed))
    at = pictures.index(recorded[0])
    assert pictures[at : at + len(recorded)] == recorded
    assert at == pytest.approx(5 * report.parts[0].duration, abs=1)


def test_a_slate_is_dark_and_has_the_size_of_the_pictures(bench, sample):
    bench.merge(sample("chromium-opus.webm"), sample("chromium-vp8-opus.webm"))
    with av.open(str(bench.out)) as container:
        frame = next(container.decode(video=0))
    plane = bytes(frame.planes[0])
    assert (frame.width, frame.height) == (640, 480)
    assert sorted(plane)[len(plane) // 2] < 48


@pytest.mark.parametrize("name", ["chromium-vp8-opus.webm", "chromium-vp9-opus.mp4"])
def test_a_part_without_microphone_gets_silence(name, bench, judge, sample, material):
    mute = material.only("v", name)
    report = bench.merge(sample(name), mute, sample(name))
    assert report.parts[1].sound == "silence"
    assert judge.frames(bench.out) == 3 * judge.frames(sample(name))
    assert judge.complaints(bench.out) == ""
    sounds = [time for time, _ in judge.packets(bench.out, "audio")]
    assert all(later - sooner < 0.35 for sooner, later in pairwise(sounds))


def test_silence_fits_between_parts_of_safari(bench, judge, material, tmp_path):
    spoken = material.like_safari()
    mute = tmp_path / "mute.mp4"
    judge.convert("-i", spoken, "-map", "0:v", "-c", "copy", mute)
    report = bench.merge(spoken, mute, spoken)
    assert report.parts[1].sound == "silence"
    assert judge.frames(bench.out) == 3 * judge.frames(spoken)
    assert judge.complaints(bench.out) == ""


def test_the_picture_is_stripped_where_the_study_keeps_none(bench, judge, sample):
    part = sample("chromium-vp8-opus.webm")
    source = Source(path=part, label="Part 1", gap_before=None, without_picture=True)
    report = bench.merge(source)
    assert judge.tracks(bench.out) == [("audio", "opus")]
    assert report.mime_type == "audio/webm"
    assert "picture" in report.parts[0].notes[0]
    assert payload(judge, "audio", bench.out) == payload(judge, "audio", part)


def test_pictures_before_the_first_whole_one_are_left_out_and_counted(bench, judge, material):
    late = material.beginning_late("chromium-vp9-opus.webm", 5)
    report = bench.merge(late, late)
    assert judge.complaints(bench.out) == ""
    kept = len(judge.packets(bench.out, "video"))
    dropped = 2 * len(judge.packets(late, "video")) - kept
    assert dropped > 0
    assert str(dropped // 2) in report.parts[0].notes[0]
    assert payload(judge, "audio", bench.out) == 2 * payload(judge, "audio", late)


# --- Damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("chromium-vp8-opus.webm", 0.5),
        ("chromium-vp9-opus.webm", 0.3),
        ("chromium-vp9-opus.mp4", 0.35),
        ("firefox-vp8-opus.webm", 0.97),
        ("chromium-opus.mp4", 0.97),
        ("firefox-opus.webm", 0.5),
    ],
)
def test_a_part_that_breaks_off_is_kept_as_far_as_it_goes(
    name, share, bench, judge, sample, material
):
    cut = material.cut_off(name, share)
    report = bench.merge(cut, sample(name))
    assert report.left_out == ()
    for kind, _ in judge.tracks(cut):
        assert payload(judge, kind, bench.out) == payload(judge, kind, cut, sample(name))
        assert len(payload(judge, kind, cut)) > 0.4 * share * len(
            payload(judge, kind, sample(name))
        )
    assert judge.complaints(bench.out) == ""


def test_unreadable_parts_are_left_out_and_named(bench, judge, sample, material):
    good = sample("chromium-vp8-opus.webm")
    empty = material.written("empty.webm", b"")
    garbage = material.written("garbage.webm", b"no recording at all" * 500)
    header = material.cut_off("chromium-vp8-opus.webm", 0.001)
    missing = bench.folder / "never-arrived.webm"
    report = bench.merge(empty, good, garbage, header, missing, good)
    assert [part.left_out for part in report.parts] == [
        "it is empty",
        None,
        "it does not begin like a recording",
        "it has a header but no sound or picture",
        "it is empty",
        None,
    ]
    assert [part.index for part in report.left_out] == [0, 2, 3, 4]
    assert report.parts[5].start == pytest.approx(6.0, abs=0.01)
    assert judge.frames(bench.out) == 2 * judge.frames(good)


def test_a_part_whose_beginning_is_lost_is_left_out(bench, sample, material):
    whole = sample("chromium-vp8-opus.webm")
    torn = material.written("torn.webm", whole.read_bytes()[9000:])
    report = bench.merge(whole, torn)
    assert report.parts[1].left_out == "it does not begin like a recording"


def test_flipped_bits_inside_a_picture_are_a_note_and_no_failure(bench, judge, sample, material):
    whole = sample("chromium-vp8-opus.webm")
    data = bytearray(whole.read_bytes())
    picture = judge.packets(whole, "video")[20][1]
    at = bytes(data).index(picture)
    data[at : at + 40] = bytes(255 - byte for byte in data[at : at + 40])
    report = bench.merge(whole, material.written("flipped.webm", bytes(data)), whole)
    assert report.left_out == ()
    # A player would stop for good at the one picture that a decoder refuses.
    assert len(judge.packets(bench.out, "video")) == 3 * len(judge.packets(whole, "video")) - 1
    assert judge.complaints(bench.out) == ""
    assert report.parts[1].notes
    assert report.parts[1].missing == 0


def test_what_came_twice_is_kept_once_and_named(bench, judge, sample, material):
    whole = sample("chromium-vp8-opus.webm")
    data = whole.read_bytes()
    cluster = b"\x1f\x43\xb6\x75"
    start = data.index(cluster, 100_000)
    end = data.index(cluster, start + 4)
    again = material.written("again.webm", data[:end] + data[start:])
    report = bench.merge(whole, again, whole)
    assert report.left_out == ()
    assert any("came twice" in note for note in report.parts[1].notes)
    assert report.parts[0].notes == report.parts[2].notes == ()
    assert judge.frames(bench.out) == 3 * judge.frames(whole)
    assert payload(judge, "audio", bench.out) == 3 * payload(judge, "audio", whole)


def test_a_part_too_damaged_to_join_costs_only_itself(bench, judge, sample, material):
    whole = sample("chromium-opus.mp4")
    data = whole.read_bytes()
    moof = data.rindex(b"moof", 0, 60_000) - 4
    # The same stretch twice: every clock in it goes back, which MP4 has no way to say.
    doubled = material.written("doubled.mp4", data[:90_000] + data[moof:])
    report = bench.merge(whole, doubled, whole)
    assert report.parts[0].left_out is report.parts[2].left_out is None
    assert report.parts[1].left_out or report.parts[1].notes
    recorded = payload(judge, "audio", whole)
    assert payload(judge, "audio", bench.out)[: len(recorded)] == recorded
    assert payload(judge, "audio", bench.out)[-len(recorded) :] == recorded


# --- What cannot be merged -----------------------------------------------------------------------


def test_nothing_readable_is_refused_with_every_reason(bench, material):
    empty = material.written("empty.webm", b"")
    garbage = material.written("garbage.webm", b"no recording at all" * 500)
    with pytest.raises(
        CannotMerge, match=r"nothing readable: Part 1: it is empty; Part 2: it does"
    ):
        bench.merge(empty, garbage)
    with pytest.raises(CannotMerge, match="nothing readable"):
        bench.merge()


# --- Chapters, title, progress -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["chromium-vp8-opus.webm", "chromium-vp9-opus.mp4"])
def test_chapters_title_and_date_are_in_the_file(name, bench, sample):
    report = bench.merge(
        sample(name),
        sample(name),
        title="Ada = 100 % ; #1\nand \\ more",
        recorded_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
    )
    with av.open(str(bench.out)) as container:
        metadata = {key.lower(): value for key, value in container.metadata.items()}
        chapters = container.chapters()
    assert metadata["title"] == "Ada = 100 % ; #1 and \\ more"
    assert any("2026-11-23" in value for value in metadata.values())
    titles = [chapter["metadata"]["title"] for chapter in chapters]
    assert titles == ["Part 1", "Part 2 — reconnected after 38 s"]
    assert titles == [chapter.title for chapter in report.chapters]
    starts = [float(chapter["start"] * chapter["time_base"]) for chapter in chapters]
    assert starts == pytest.approx([chapter.start for chapter in report.chapters], abs=0.002)


def test_progress_never_falls_and_ends_at_one(bench, sample):
    seen: list[float] = []
    parts = [sample("chromium-vp8-opus.webm"), sample("chromium-opus.webm")]
    bench.merge(*parts, on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert 0.0 <= seen[0] < 0.2


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9])
def test_giving_up_leaves_neither_a_file_nor_a_process(share, bench, sample):
    class LeaseLost(Exception):
        pass

    def give_up(fraction: float) -> None:
        if fraction >= share:
            raise LeaseLost

    with pytest.raises(LeaseLost):
        bench.merge(
            sample("chromium-vp8-opus.webm"), sample("chromium-opus.webm"), on_progress=give_up
        )
    assert not bench.out.exists()
    assert running_ffmpegs() == []


def test_a_report_can_be_written_down(bench, sample):
    import json

    report = bench.merge(sample("chromium-opus.webm"), Path("/nowhere"))
    said = json.loads(json.dumps(report.as_json()))
    assert said["parts"][1]["left_out"] == "it is empty"
    assert said["duration"] == pytest.approx(6.0, abs=0.01)
    assert said["size"] == bench.out.stat().st_size


def test_a_long_session_is_decoded_around_its_joins(bench, judge, material):
    long = material.repeated("chromium-vp8-opus.webm", 55)
    report = bench.merge(long, long)
    assert report.duration > 600
    assert payload(judge, "video", bench.out) == 2 * payload(judge, "video", long)
    assert judge.frames(bench.out, seek=report.parts[1].start) == judge.frames(long, seek=0)


def test_many_short_parts_of_a_flapping_line_are_joined(bench, judge, material):
    short = material.shortened("chromium-vp8-opus.webm", 1)
    report = bench.merge(*[short] * 25)
    assert len(report.chapters) == 25
    assert judge.frames(bench.out) == 25 * judge.frames(short)
