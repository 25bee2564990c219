"""Parts of different browsers and devices in one Full Session, judged from outside.

The numbers are those of the faults in the list of nasty part-sets.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from qualz.media.full_session import Report
from tests.media.conftest import Workbench
from tests.media.metronome import FIRST, TOGETHER, Metronome, beeps, flashes, near, sizes


@pytest.fixture(scope="session")
def metronome(tmp_path_factory, judge) -> Metronome:
    return Metronome(tmp_path_factory.mktemp("metronome"), judge)


@pytest.fixture
def session(bench, judge) -> Session:
    return Session(bench, judge)


class Session:
    """Merges parts and looks at what came out."""

    def __init__(self, bench: Workbench, judge) -> None:
        self.bench, self.judge = bench, judge

    def of(self, *parts: Path, expect: list[str], quiet: tuple[float, ...] = ()) -> Report:
        """Merge, and hold the result against everything that can be said of any Full Session.

        `expect` names for each part what became of its picture and sound; `quiet` are seconds of
        the session in which nothing was recorded.
        """
        report = self.bench.merge(*parts)
        done = [f"{part.picture} {part.sound}" for part in report.parts]
        assert done == expect
        self.is_one_file(report)
        self.keeps_what_it_copies(parts, report)
        self.flashes_with_each_beep(report, quiet)
        self.can_be_sought(report)
        return report

    def is_one_file(self, report: Report) -> None:
        out, judge = self.bench.out, self.judge
        assert judge.complaints(out) == ""
        assert [kind for kind, _ in judge.tracks(out)] == [t["kind"] for t in report.tracks]
        assert [codec for _, codec in judge.tracks(out)] == [t["codec"] for t in report.tracks]
        assert judge.duration(out) == pytest.approx(report.duration, abs=0.25)
        for track in report.tracks:
            times = [time for time, _ in judge.packets(out, track["kind"])]
            assert all(sooner <= later for sooner, later in pairwise(times))
        if report.mime_type.startswith("video"):
            assert len(sizes(out)) == 1

    def keeps_what_it_copies(self, parts: tuple[Path, ...], report: Report) -> None:
        for kind, how in (("video", "picture"), ("audio", "sound")):
            copied = [
                path
                for path, part in zip(parts, report.parts, strict=True)
                if getattr(part, how) == "copied"
            ]
            kept = self.contents(self.bench.out, kind) if copied else []
            at = 0
            for path in copied:
                recorded = self.contents(path, kind)
                at = place_of(recorded, kept, at) + len(recorded)

    def contents(self, path: Path, kind: str) -> list[object]:
        """Each packet; of H.264, whose packets are wrapped otherwise in MP4, each picture."""
        if (kind, "h264") in self.judge.tracks(path):
            return list(self.judge.frames(path))
        return [data for _, data in self.judge.packets(path, kind)]

    def flashes_with_each_beep(self, report: Report, quiet: tuple[float, ...]) -> None:
        lit = flashes(self.bench.out) if report.tracks[0]["kind"] == "video" else None
        heard = beeps(self.bench.out)
        for part in report.parts:
            for second in range(int(part.duration + 0.3)):
                expected = part.start + second + FIRST
                if any(abs(expected - time) < 0.5 for time in quiet):
                    continue
                sound = near(heard, expected) if part.sound != "silence" else expected
                picture = (
                    near(lit, expected) if lit is not None and part.picture != "slate" else expected
                )
                assert abs(sound - picture) < TOGETHER, (part.label, second)
                assert sound == pytest.approx(expected, abs=TOGETHER), (part.label, second)

    def can_be_sought(self, report: Report) -> None:
        kind = report.tracks[0]["kind"][0]
        for part in report.parts:
            assert self.judge.frames(self.bench.out, kind, seek=part.start + 0.02)


def place_of(sought: list[object], found: list[object], start: int) -> int:
    """Where the one list stands in the other, from `start` on."""
    for at in range(start, len(found) - len(sought) + 1):
        if found[at : at + len(sought)] == sought:
            return at
    raise AssertionError("what was copied is not there")


KEPT, MADE = "copied copied", "re-encoded re-encoded"


# --- Codecs and containers -----------------------------------------------------------------------


@pytest.mark.parametrize("browser", ["chrome", "chrome vp9", "firefox"])
def test_tracks_in_either_order(browser, session, metronome):  # 1
    parts = [metronome.records(browser, tracks=order) for order in ("va", "av", "va")]
    session.of(*parts, expect=[KEPT, KEPT, KEPT])


def test_two_codecs_in_one_container(session, metronome):  # 5
    parts = [metronome.records("chrome", 3), metronome.records("chrome vp9")]
    report = session.of(*parts, expect=[KEPT, "re-encoded copied"])
    assert report.mime_type == "video/webm"
    assert "another codec, vp9" in report.parts[1].reasons[0]


def test_a_phone_after_a_laptop(session, metronome):  # 6
    parts = [metronome.records("chrome", 3), metronome.records("safari", rate=44_100)]
    report = session.of(*parts, expect=[KEPT, MADE])
    assert report.mime_type == "video/webm"


def test_a_laptop_after_a_phone(session, metronome):  # 6, 12
    parts = [
        metronome.records("safari", 3),
        metronome.records("safari 18", sound="pan=stereo|c0=c0|c1=c0"),
        metronome.records("safari"),
    ]
    report = session.of(*parts, expect=[KEPT, MADE, KEPT])
    assert report.mime_type == "video/mp4"
    assert [track["codec"] for track in report.tracks] == ["h264", "aac"]


def test_h264_in_matroska_among_others(session, metronome):  # 14
    parts = [metronome.records("chrome avc1", 3), metronome.records("safari")]
    session.of(*parts, expect=[KEPT, "copied re-encoded"])
    session.of(metronome.records("chrome", 4), parts[0], expect=[KEPT, "re-encoded copied"])


def test_chromiums_mp4_before_firefoxs_webm(session, metronome):
    parts = [metronome.records("chrome mp4"), metronome.records("firefox", 3)]
    report = session.of(*parts, expect=["re-encoded copied", KEPT])
    assert report.mime_type == "video/webm"


def test_webm_under_the_name_of_mp4(session, metronome):  # 14
    part = metronome.records("chrome", 3)
    misnamed = metronome.folder / "misnamed.mp4"
    misnamed.write_bytes(part.read_bytes())
    session.of(misnamed, metronome.records("safari"), expect=[KEPT, MADE])


def test_real_recordings_of_every_kind(bench, judge, sample):
    names = ["chromium-vp8-opus.webm", "chromium-avc1-opus.webm", "firefox-vp8-opus.webm"]
    names += ["chromium-vp9-opus.mp4", "firefox-opus.webm"]
    parts = [sample(name) for name in names]
    session = Session(bench, judge)
    report = bench.merge(*parts)
    assert [part.picture for part in report.parts] == [
        *("copied", "re-encoded", "copied", "re-encoded", "slate")
    ]
    session.is_one_file(report)
    session.keeps_what_it_copies(tuple(parts), report)
    session.can_be_sought(report)
    assert report.duration == pytest.approx(30.4, abs=0.6)


# --- Sizes, turns and settings -------------------------------------------------------------------


def test_the_longest_running_size_is_the_canvas_of_all(session, metronome):  # 7
    parts = [
        metronome.records("chrome", size="480x270"),
        metronome.records("chrome", 3),
        metronome.records("chrome", size="240x426"),
    ]
    made = "re-encoded copied"
    report = session.of(*parts, expect=[made, KEPT, made])
    assert sizes(session.bench.out) == {(320, 240)}
    assert "another size, 480×270" in report.parts[0].reasons[0]


@pytest.mark.parametrize("browser", ["chrome", "chrome vp9", "chrome avc1"])
def test_a_size_that_changes_inside_a_part(browser, session, metronome):  # 8
    turned = metronome.in_one(
        f"turned-{browser}.mkv",
        metronome.records(browser, 2, size="320x240"),
        metronome.records(browser, 2, size="240x320"),
    )
    steady = metronome.records(browser)
    report = session.of(turned, steady, expect=["re-encoded copied", KEPT])
    assert sizes(session.bench.out) == {(320, 240)}
    assert "on the way" in report.parts[0].reasons[0]


def test_other_h264_settings_are_re_encoded(session, metronome):  # 9
    parts = [
        metronome.records("safari", 3),
        metronome.records("safari", 2, "-profile:v", "high", "-preset", "fast"),
    ]
    report = session.of(*parts, expect=[KEPT, "re-encoded copied"])
    assert "other h264 settings" in report.parts[1].reasons[0]


@pytest.mark.parametrize("upright_first", [True, False])
def test_a_phone_that_is_held_upright(upright_first, session, metronome, judge):  # 10
    lying = metronome.records("safari", 3)
    upright = turned(metronome, lying, 90)
    other = metronome.records("chrome", size="240x320")
    parts, expect = [upright, other], [KEPT, MADE]
    if not upright_first:
        parts, expect = parts[::-1], expect[::-1]
    report = session.of(*parts, expect=expect)
    assert (report.tracks[0]["width"], report.tracks[0]["height"]) == (240, 320)
    assert {turn_of(session.bench.out)} == {turn_of(upright)}


def test_a_turned_part_among_others_is_put_upright(session, metronome):  # 10
    lying = metronome.records("safari", 3)
    report = session.of(
        lying,
        turned(metronome, metronome.records("safari"), 270),
        expect=[KEPT, "re-encoded copied"],
    )
    assert "turned by 270°" in report.parts[1].reasons[0]
    assert turn_of(session.bench.out) == 0


def test_pixels_that_are_not_square(session, metronome):  # 10
    wide = metronome.records("safari", picture="setsar=2/1")
    report = session.of(metronome.records("safari", 3), wide, expect=[KEPT, "re-encoded copied"])
    assert "2.00 times" in report.parts[1].reasons[0]


CORNER = "drawbox=c=white:t=fill:w=iw/2:h=ih/2"


def corners(judge, session: Path, at: float) -> str:
    """The quarters of a shown picture, row by row: # for bright ones, and the bars round it."""
    raw = session.with_name("shown.gray")
    small = "scale=40:40:flags=area,format=gray"
    judge.convert(
        *("-ss", at, "-i", session, "-frames:v", "1", "-vf", small, "-f", "rawvideo", raw)
    )
    plane = raw.read_bytes()
    spots = {"middle": (15, 25), "edge": (2, 37)}
    return " ".join(
        "".join("#" if plane[40 * y + x] > 128 else "." for y in spots[ys] for x in spots[xs])
        for ys, xs in (("middle", "middle"), ("edge", "middle"), ("middle", "edge"))
    )


def test_what_is_above_stays_above(bench, judge, metronome):
    """In a canvas lying down and in one of a phone held upright: bars where there is no picture."""
    lying = metronome.records("safari", 3, picture=CORNER, sound="volume=0")
    upright = turned(metronome, lying, 90)
    tall = metronome.records("chrome", 1, size="120x320", picture=CORNER)
    wide = metronome.records("chrome", 1, size="320x120", picture=CORNER)
    report = bench.merge(lying, tall, wide, turned(metronome, tall_of_safari(metronome), 270))
    seen = [corners(judge, bench.out, part.start + 0.8) for part in report.parts]
    assert seen == ["#... #... #...", "#... #... ....", "#... .... #...", seen[3]]
    # Turned by 270 degrees, what was in the upper left corner is in the lower left one.
    assert seen[3].startswith("..#.")
    report = bench.merge(tall, upright, wide, metronome.records("safari", 1, tracks="a"))
    assert [part.picture for part in report.parts] == [
        *("re-encoded", "copied", "re-encoded", "slate")
    ]
    seen = [corners(judge, bench.out, part.start + 0.8) for part in report.parts]
    # Turned by 90 degrees, it is in the upper right one.
    assert seen[0].startswith("#...")
    assert seen[1].startswith(".#..")
    assert seen[2] == "#... .... #..."
    assert seen[3] == ".... .... ...."


def tall_of_safari(metronome: Metronome) -> Path:
    return metronome.records("safari", 1, size="120x320", picture=CORNER)


def test_wide_pixels_are_shown_wide(bench, judge, metronome):
    wide = metronome.records("safari", 1, picture=f"{CORNER},setsar=2/1")
    report = bench.merge(metronome.records("safari", 2), wide)
    assert corners(judge, bench.out, report.parts[1].start + 0.8) == "#... .... #..."


# --- Sound ---------------------------------------------------------------------------------------


def test_aac_of_other_rates_and_channels(session, metronome):  # 11
    parts = [
        metronome.records("safari", 3, rate=44_100),
        metronome.records("safari"),
        metronome.records("safari", rate=44_100, sound="pan=stereo|c0=c0|c1=c0"),
    ]
    made = "copied re-encoded"
    report = session.of(*parts, expect=[KEPT, made, made])
    assert report.tracks[1] == {
        "kind": "audio",
        "codec": "aac",
        "sample_rate": 44_100,
        "channels": 1,
    }


def test_opus_may_be_mono_and_stereo(session, metronome):  # 11
    stereo = metronome.records("chrome", sound="pan=stereo|c0=c0|c1=c0")
    session.of(stereo, metronome.records("chrome", 3), expect=[KEPT, KEPT])


@pytest.mark.parametrize(("longer", "kind"), [("chrome", "webm"), ("safari", "mp4")])
def test_sound_alone_stays_sound(longer, kind, session, metronome):  # 2
    other = {"chrome": "safari", "safari": "chrome"}[longer]
    parts = [metronome.records(other, tracks="a"), metronome.records(longer, 3, tracks="a")]
    report = session.of(*parts, expect=["None re-encoded", "None copied"])
    assert report.mime_type == f"audio/{kind}"


def test_whatever_is_missing_is_made_up_beside_what_is_odd(session, metronome):  # 2, 3, 4
    session.of(
        metronome.records("firefox", tracks="a"),
        metronome.records("safari", tracks="v"),
        metronome.records("chrome", 3),
        metronome.records("safari", tracks="a"),
        expect=["slate copied", "re-encoded silence", KEPT, "slate re-encoded"],
    )


# --- Time ----------------------------------------------------------------------------------------

HOLED = "select='lt(t,1)+gte(t,11)'"
SILENT = "aselect='lt(t,1)+gte(t,3)'"


@pytest.mark.parametrize(("made", "longer"), [("safari", "chrome"), ("chrome", "safari")])
def test_ten_seconds_without_a_picture(made, longer, session, metronome):  # 24
    holed = metronome.records(made, 12, fps=10, picture=HOLED)
    rest = metronome.records(longer, 13, fps=10)
    hole = tuple(second + FIRST for second in range(1, 11))
    session.of(holed, rest, expect=[MADE, KEPT], quiet=hole)


@pytest.mark.parametrize(("made", "longer"), [("safari", "chrome"), ("chrome", "safari")])
def test_two_seconds_without_sound(made, longer, session, metronome):  # 25
    holed = metronome.records(made, 4, sound=SILENT)
    session.of(holed, metronome.records(longer, 5), expect=[MADE, KEPT], quiet=(1.5, 2.5))


@pytest.mark.parametrize("made", ["safari", "chrome"])
@pytest.mark.parametrize("filters", [{"picture": "trim=end=1.6"}, {"sound": "atrim=end=1.6"}])
def test_sound_and_picture_of_other_lengths(made, filters, session, metronome):  # 25
    uneven = metronome.records(made, 2, **filters)
    others = {"safari": "chrome", "chrome": "safari"}[made]
    report = session.of(uneven, metronome.records(others, 3), expect=[MADE, KEPT])
    assert report.parts[1].start == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("made", ["safari", "chrome"])
def test_sound_that_begins_late(made, session, metronome):  # 26
    late = metronome.records(made, 2, sound="atrim=start=0.3")
    others = {"safari": "chrome", "chrome": "safari"}[made]
    session.of(late, metronome.records(others, 3), expect=[MADE, KEPT])


def test_a_recording_with_twenty_pauses(session, metronome):  # 28
    holes = "'gt(mod(t,0.25),0.06)'"
    paused = metronome.records("safari", 5, picture=f"select={holes}", sound=f"aselect={holes}")
    report = session.bench.merge(paused, metronome.records("chrome", 6))
    session.is_one_file(report)
    assert report.parts[1].start == pytest.approx(5, abs=0.1)
    lit, heard = flashes(session.bench.out), beeps(session.bench.out)
    for second in range(5):
        assert near(lit, second + FIRST) == pytest.approx(near(heard, second + FIRST), abs=0.1)


@pytest.mark.parametrize("hours", [1.5, 9.5])
@pytest.mark.parametrize("made", ["safari", "chrome vp9"])
def test_clocks_that_begin_hours_late(hours, made, session, metronome):  # 29
    late = metronome.copied(
        metronome.records(made), f"{hours}.mkv", "-output_ts_offset", hours * 3600
    )
    session.of(late, metronome.records("chrome", 3), expect=[one_track_made(made), KEPT])


@pytest.mark.parametrize("made", ["chrome", "safari"])
def test_a_microphone_whose_clock_runs_otherwise(made, session, metronome):  # 27
    """As far off after a minute as one of 100 ppm is after hours: each packet says when it was
    heard, and lasts longer than until the next."""
    slow = 0.99
    drifting = metronome.copied(
        metronome.records(made, 60, fps=10),
        f"drifting{metronome.records(made, 60, fps=10).suffix}",
        *("-bsf:v", f"setts=pts=PTS*{slow}:dts=DTS*{slow}"),
        *("-bsf:a", f"setts=pts=PTS*{slow}:dts=DTS*{slow}"),
        *("-movflags", "frag_keyframe+default_base_moof", "-live", "1")[
            : 2 if made == "safari" else 4
        ],
    )
    others = {"safari": "chrome", "chrome": "safari"}[made]
    for rest in (metronome.records(made, 3), metronome.records(others, 61, fps=10)):
        report = session.bench.merge(drifting, rest)
        session.is_one_file(report)
        lit, heard = flashes(session.bench.out), beeps(session.bench.out)
        for second in range(59):
            expected = (second + FIRST) * slow
            picture = near(lit, expected)
            assert picture == pytest.approx(expected, abs=TOGETHER)
            assert near(heard, picture) == pytest.approx(picture, abs=TOGETHER)


def test_a_cluster_as_long_as_its_clock_goes(session, metronome):  # 29
    """Within a cluster Matroska counts to 32.767 s."""
    still = metronome.records(
        *("firefox", 40, "-g", "9999", "-cluster_time_limit", "32700", "-cluster_size_limit"),
        *("100000000",),
        fps=10,
    )
    session.of(still, metronome.records("chrome"), expect=[KEPT, KEPT])


@pytest.mark.long
def test_two_hundred_parts_of_a_flapping_line(session, metronome):  # 23
    parts = [metronome.records("chrome", 3, fps=10), metronome.records("firefox", 3, fps=10)]
    session.of(*100 * parts, expect=200 * [KEPT])


def one_track_made(browser: str) -> str:
    return MADE if browser == "safari" else "re-encoded copied"


def test_a_header_that_tells_of_weeks(session, metronome):  # 13
    part = metronome.records("safari", 3)
    data = bytearray(part.read_bytes())
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        at = data.find(box)
        while at >= 0:
            duration = at + (24 if box == b"tkhd" else 20)
            data[duration : duration + 4] = (0x7FFFFFF0).to_bytes(4, "big")
            at = data.find(box, at + 1)
    lying = metronome.folder / "weeks.mp4"
    lying.write_bytes(bytes(data))
    session.of(lying, metronome.records("chrome"), expect=[KEPT, MADE])
    session.of(lying, metronome.records("chrome", 4), expect=[MADE, KEPT])


def test_pictures_that_come_as_they_like(session, metronome):
    fitful = metronome.records("safari", 3, picture="select='gt(mod(n,7),3)+lt(mod(t+0.5,1),0.1)'")
    session.of(fitful, metronome.records("chrome", 4), expect=[MADE, KEPT])


def test_a_part_that_does_not_begin_with_a_whole_picture(session, metronome):  # 20
    whole = metronome.records("chrome avc1", 4)
    late = metronome.copied(whole, "late.mkv", "-copyinkf", "-bsf:v", r"noise=drop=lt(n\,10)")
    report = session.of(
        late, metronome.records("chrome", 5), expect=["re-encoded copied", KEPT], quiet=(0.5,)
    )
    assert "20 pictures before the first whole one are left out" in report.parts[0].notes


def test_a_hole_in_an_odd_part_costs_what_was_in_it(session, judge, sample, material):
    data = sample("chromium-vp9-opus.webm").read_bytes()
    holed = material.written("odd-holed.webm", data[:200_000] + data[300_000:])
    good = sample("chromium-vp8-opus.webm")
    report = session.bench.merge(good, holed, good)
    session.is_one_file(report)
    recorded = session.contents(good, "audio")
    kept = session.contents(session.bench.out, "audio")
    assert (kept[: len(recorded)], kept[-len(recorded) :]) == (recorded, recorded)
    assert report.parts[1].duration == pytest.approx(6, abs=0.1)
    assert report.parts[1].holes


def turned(metronome: Metronome, part: Path, degrees: int) -> Path:
    """The same recording by a phone that was held otherwise."""
    path = metronome.folder / f"{part.stem}-{degrees}.mp4"
    data = bytearray(part.read_bytes())
    matrices = {90: (0, 1, -1, 0), 270: (0, -1, 1, 0)}
    at = data.index(b"tkhd") + 4 + 40
    for place, value in zip((0, 4, 12, 16), matrices[degrees], strict=True):
        data[at + place : at + place + 4] = (value << 16).to_bytes(4, "big", signed=True)
    path.write_bytes(bytes(data))
    return path


def turn_of(path: Path) -> int:
    import av

    with av.open(str(path)) as container:
        return next(container.decode(video=0)).rotation
