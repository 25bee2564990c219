"""A Full Session in another form: what is in the wanted form is kept, and the rest can be trusted.

All is judged from outside: by PyAV's demuxers and decoders, and by ffmpeg's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest

from qualz.media.containers import index_in_front
from qualz.media.inspection import Broken, Wanted, inspect
from qualz.media.probe import probe
from qualz.media.rendition import CannotMake, Kind, make
from tests.media.conftest import Judge, Workbench, running_ffmpegs
from tests.media.metronome import TOGETHER, Metronome, beeps, flashes, near, sizes


@pytest.fixture(scope="session")
def metronome(tmp_path_factory, judge) -> Metronome:
    return Metronome(tmp_path_factory.mktemp("metronome"), judge)


@pytest.fixture
def press(bench, judge) -> Press:
    return Press(bench, judge)


class Press:
    """Makes a Full Session of parts, and a rendition of that."""

    def __init__(self, bench: Workbench, judge: Judge) -> None:
        self.bench, self.judge = bench, judge
        self.out = bench.folder / "rendition"

    def session_of(self, *parts: Path) -> Path:
        at = datetime(2026, 11, 23, 10, tzinfo=UTC)
        self.bench.merge(*parts, title="Search habits – Participant 1", recorded_at=at)
        return self.bench.out

    def makes(
        self,
        source: Path,
        kind: Kind,
        on_progress: Callable[[float], None] = lambda fraction: None,
    ) -> Path:
        workspace = self.bench.folder / "rendering"
        workspace.mkdir(exist_ok=True)
        ffmpeg = self.bench.ffmpeg
        make(
            source,
            self.out,
            kind=kind,
            ffmpeg=ffmpeg,
            workspace=workspace,
            on_progress=on_progress,
        )
        return self.out

    def is_sound_enough(self, made: Path, source: Path, *tracks: tuple[str, str]) -> None:
        assert self.judge.tracks(made) == list(tracks)
        assert self.judge.complaints(made) == ""
        assert index_in_front(made)
        expected = self.judge.length(source)
        assert self.judge.duration(made) == pytest.approx(expected, abs=0.05)
        assert self.judge.length(made) == pytest.approx(expected, abs=0.05)
        assert described(made) == described(source)


def described(path: Path) -> tuple[object, ...]:
    with av.open(str(path)) as container:
        named = {name.lower(): value for name, value in container.metadata.items()}
        chapters = [
            (chapter["metadata"]["title"], round(float(chapter["start"] * chapter["time_base"]), 2))
            for chapter in container.chapters()
        ]
        return named.get("title"), named.get("date"), chapters


def tag(path: Path) -> str:
    with av.open(str(path)) as container:
        return container.streams.video[0].codec_context.codec_tag


def flashes_with_each_beep(made: Path, source: Path) -> None:
    lights, sounds = flashes(made), beeps(made)
    assert len(lights) == len(flashes(source))
    assert len(sounds) == len(beeps(source))
    for light, was in zip(lights, flashes(source), strict=True):
        assert light == pytest.approx(was, abs=TOGETHER)
        assert near(sounds, light) == pytest.approx(light, abs=TOGETHER)


VIDEO, SOUND = ("video", "h264"), ("audio", "aac")


@pytest.mark.parametrize("browser", ["chrome", "chrome vp9", "chrome mp4", "firefox"])
def test_what_browsers_record_becomes_an_mp4_that_plays_everywhere(press, metronome, browser):
    source = press.session_of(metronome.records(browser, 3), metronome.records(browser, 2))
    made = press.makes(source, Kind.MP4)
    press.is_sound_enough(made, source, VIDEO, SOUND)
    flashes_with_each_beep(made, source)
    with av.open(str(made)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    assert [title for title, _ in described(made)[2]] == [
        "Part 1",
        "Part 2 — reconnected after 38 s",
    ]


@pytest.mark.parametrize(
    "name", ["chromium-vp8-opus.webm", "chromium-vp9-opus.mp4", "firefox-vp8-opus.webm"]
)
def test_real_recordings_become_an_mp4(press, sample, name):
    source = press.session_of(sample(name), sample(name))
    press.is_sound_enough(press.makes(source, Kind.MP4), source, VIDEO, SOUND)


def test_h264_and_aac_are_copied_packet_by_packet(press, metronome, judge):
    source = press.session_of(metronome.records("safari", 3), metronome.records("safari", 2))
    made = press.makes(source, Kind.MP4)
    press.is_sound_enough(made, source, VIDEO, SOUND)
    for kind in ("video", "audio"):
        assert judge.packets(made, kind) == judge.packets(source, kind)


def test_only_the_sound_is_made_anew_where_only_it_is_not_aac(press, metronome, sample, judge):
    source = press.session_of(metronome.records("chrome avc1", 3), metronome.records("chrome avc1"))
    assert judge.tracks(source) == [VIDEO, ("audio", "opus")]
    made = press.makes(source, Kind.MP4)
    press.is_sound_enough(made, source, VIDEO, SOUND)
    flashes_with_each_beep(made, source)
    pictures = [data for _, data in judge.packets(source, "video")]
    assert [data for _, data in judge.packets(made, "video")] == pictures


@pytest.mark.parametrize("browser", ["chrome", "safari"])
def test_the_sound_alone_keeps_its_places(press, metronome, judge, browser):
    source = press.session_of(metronome.records(browser, 3), metronome.records(browser, 2))
    made = press.makes(source, Kind.SOUND)
    assert judge.tracks(made) == [SOUND]
    assert judge.complaints(made) == ""
    assert index_in_front(made)
    assert described(made) == described(source)
    assert len(beeps(made)) == 5
    for heard, was in zip(beeps(made), beeps(source), strict=True):
        assert heard == pytest.approx(was, abs=TOGETHER)
    if browser == "safari":
        assert judge.packets(made, "audio") == judge.packets(source, "audio")


def test_an_all_audio_session_has_a_sound_and_no_mp4(press, sample):
    source = press.session_of(sample("chromium-opus.webm"), sample("chromium-opus.webm"))
    press.is_sound_enough(press.makes(source, Kind.SOUND), source, SOUND)
    with pytest.raises(CannotMake, match="no picture"):
        press.makes(source, Kind.MP4)


def test_a_phone_held_upright_is_upright(press, metronome):
    part = metronome.records("chrome mp4", 2, size="321x241", picture="pad=322:242")
    turned = metronome.copied(part, "turned.mp4", before=("-display_rotation", "90"))
    source = press.session_of(turned)
    made = press.makes(source, Kind.MP4)
    press.is_sound_enough(made, source, VIDEO, SOUND)
    assert sizes(made) == {(242, 322)}
    with av.open(str(made)) as container:
        assert next(container.decode(video=0)).rotation == 0


def test_odd_sizes_become_even(press, material):
    source = press.session_of(material.of_size("321x241"))
    made = press.makes(source, Kind.MP4)
    press.is_sound_enough(made, source, VIDEO, SOUND)
    assert sizes(made) == {(320, 240)}


def test_pictures_whose_settings_change_on_the_way_get_one_setting(press, metronome, judge):
    """Hardware players and QuickTime stumble over them."""
    parts = metronome.records("safari", 4), metronome.records("safari", 2, size="640x480")
    source = press.session_of(*parts)
    assert tag(source) == "avc3"
    made = press.makes(source, Kind.MP4)
    press.is_sound_enough(made, source, VIDEO, SOUND)
    assert tag(made) == "avc1"
    flashes_with_each_beep(made, source)
    assert judge.packets(made, "audio") == judge.packets(source, "audio")


def test_progress_never_falls_and_ends_at_one(press, metronome):
    told: list[float] = []
    source = press.session_of(metronome.records("chrome", 3))
    press.makes(source, Kind.MP4, told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_whoever_loses_it_leaves_neither_a_file_nor_an_ffmpeg(press, metronome):
    class LeaseLost(Exception):
        pass

    def lose(fraction: float) -> None:
        if running_ffmpegs():
            raise LeaseLost

    source = press.session_of(metronome.records("chrome", 3))
    with pytest.raises(LeaseLost):
        press.makes(source, Kind.MP4, lose)
    assert running_ffmpegs() == []
    assert not press.out.exists()


def test_what_is_no_recording_is_refused_with_its_reason(press, tmp_path):
    path = tmp_path / "nonsense"
    path.write_bytes(b"this is no recording at all" * 99)
    with pytest.raises(CannotMake, match="does not begin like a recording"):
        press.makes(path, Kind.MP4)


class TestTheInspection:
    """It has to find what is wrong, or it is worth nothing."""

    @pytest.fixture
    def source(self, press, metronome) -> Path:
        return press.session_of(metronome.records("safari", 3), metronome.records("safari", 3))

    def inspected(self, press, path: Path, source: Path, like: Path) -> None:
        """Held against tracks that are to be copied as they are in `like`."""
        found = probe(like)
        wanted = Wanted(
            source=source,
            video=found.video,
            audio=found.audio,
            picture=None,
            copies_sound=True,
            seconds=found.end,
        )
        inspect(path, wanted, ffmpeg=press.bench.ffmpeg)

    @pytest.mark.parametrize(
        ("options", "wrong"),
        [
            (("-c", "copy"), "could not seek"),
            (("-c", "copy", "-t", "5.8", "-movflags", "+faststart"), "instead of"),
            (("-c", "copy", "-an", "-movflags", "+faststart"), "has the tracks"),
            (("-c", "copy", "-map_chapters", "-1", "-movflags", "+faststart"), "chapters"),
            (("-c:v", "mpeg4", "-c:a", "copy", "-movflags", "+faststart"), "has the tracks"),
            (("-c:v", "libx264", "-c:a", "copy", "-movflags", "+faststart"), "pictures"),
            (("-c:v", "copy", "-c:a", "aac", "-movflags", "+faststart"), "sound"),
        ],
    )
    def test_finds_what_is_wrong(self, press, judge, source, options, wrong):
        path = press.bench.folder / "wrong.mp4"
        judge.convert("-i", source, *options, path)
        with pytest.raises(Broken, match=wrong):
            self.inspected(press, path, source, like=source)

    @pytest.mark.parametrize("place", ["the start", "the middle", "the end"])
    def test_finds_damage_at(self, press, metronome, place):
        source = press.session_of(metronome.records("chrome", 30))
        made = press.makes(source, Kind.MP4)
        self.inspected(press, made, source, like=made)
        with av.open(str(made)) as container:
            packets = [packet for packet in container.demux(audio=0) if packet.size]
        where = {"the start": 20, "the middle": len(packets) // 2, "the end": -20}[place]
        data = bytearray(made.read_bytes())
        for packet in packets[where : where + 10]:
            data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
        made.write_bytes(bytes(data))
        with pytest.raises(Broken, match="does not decode cleanly"):
            self.inspected(press, made, source, like=made)
