"""What is done with a part when it closes, and used when all of them are merged."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qualz.media import full_session
from qualz.media.decoding import decoded_seconds
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.full_session import Prepared, Source
from qualz.media.plan import plan
from qualz.media.probe import probe
from tests.media.conftest import Workbench

FILMED, HEARD = "chromium-vp8-opus.webm", "chromium-opus.webm"


class WithoutEncoders(FFmpeg):
    """An ffmpeg that can only copy and decode."""

    def run(self, command: Any, **options: Any) -> list[str]:
        arguments = list(command) if isinstance(command, (list, tuple)) else command.get_args()
        if any(word.startswith("lib") for word in arguments):
            raise Failed(1, ["encoding is refused here"])
        return super().run(command, **options)


def source(path: Path, number: int) -> Source:
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return Source(path=path, label=f"Part {number}", gap_before=None, content=content)


@pytest.fixture
def parts(sample) -> list[Source]:
    names = [FILMED, HEARD, "chromium-vp9-opus.webm"]
    return [source(sample(name), number) for number, name in enumerate(names, 1)]


@pytest.fixture
def prepared(tmp_path) -> Prepared:
    return Prepared(tmp_path / "prepared")


@pytest.fixture
def prepare(tmp_path, ffmpeg, prepared):
    def prepare(parts, ffmpeg=ffmpeg, **options):
        workspace = tmp_path / "preparing"
        workspace.mkdir(exist_ok=True)
        return full_session.prepare(parts, prepared, ffmpeg=ffmpeg, workspace=workspace, **options)

    return prepare


def test_a_merge_makes_nothing_that_was_prepared(tmp_path, ffmpeg, judge, parts, prepare, prepared):
    bench = Workbench(tmp_path, WithoutEncoders(binary=ffmpeg.binary))
    with pytest.raises(full_session.CannotMerge):
        bench.merge(*parts, prepared=prepared)
    prepare(parts)
    report = bench.merge(*parts, prepared=prepared)
    assert [part.picture for part in report.parts] == ["re-encoded", "slate", "copied"]
    assert judge.complaints(bench.out) == ""


def test_it_comes_to_the_same_as_without(bench, judge, parts, prepare, prepared):
    def found():
        return [judge.packets(bench.out, kind) for kind in ("video", "audio")]

    one = bench.merge(*parts)
    without = found()
    prepare(parts)
    other = bench.merge(*parts, prepared=prepared)
    assert other == one
    assert [[time for time, _ in track] for track in found()] == [
        [time for time, _ in track] for track in without
    ]


def test_what_was_prepared_is_prepared_once(ffmpeg, parts, prepare):
    prepare(parts)
    prepare(parts, ffmpeg=WithoutEncoders(binary=ffmpeg.binary))


def test_each_part_as_it_comes(tmp_path, ffmpeg, judge, parts, prepare, prepared):
    """The last one turns the plan over: now it is the other picture that is re-encoded."""
    path = tmp_path / "longer.webm"
    judge.convert("-stream_loop", 2, "-i", parts[0].path, "-map", "0", "-c", "copy", path)
    longer = source(path, 4)
    for count in range(1, 4):
        prepare(parts[:count])
    prepare([*parts, longer])
    bench = Workbench(tmp_path, WithoutEncoders(binary=ffmpeg.binary))
    report = bench.merge(*parts, longer, prepared=prepared)
    pictures = [part.picture for part in report.parts]
    assert pictures == ["copied", "slate", "re-encoded", "copied"]
    assert judge.complaints(bench.out) == ""


@pytest.mark.parametrize("fault", ["cut", "flipped", "gone", "nonsense"])
def test_a_spoilt_piece_is_made_anew(fault, bench, judge, parts, prepare, prepared):
    prepare(parts)
    for piece in prepared.folder.glob("piece-*.media"):
        data = bytearray(piece.read_bytes())
        half = len(data) // 2
        if fault == "gone":
            piece.unlink()
        elif fault == "nonsense":
            piece.with_suffix(".json").write_text("nonsense")
        else:
            data[half : half + 200] = bytes(200)
            piece.write_bytes(data[:half] if fault == "cut" else data)
    bench.merge(*parts, prepared=prepared)
    assert judge.complaints(bench.out) == ""


def test_another_recording_under_the_same_name_is_another(
    tmp_path, sample, material, bench, prepare, prepared
):
    path = tmp_path / "part.webm"
    path.write_bytes(sample(FILMED).read_bytes())
    prepare([source(path, 1)])
    path.write_bytes(material.shortened(FILMED, 3).read_bytes())
    assert bench.merge(source(path, 1), prepared=prepared).duration == pytest.approx(3, abs=0.1)


def test_whoever_stops_it_keeps_what_was_done(parts, prepare, prepared, bench):
    class Enough(Exception):
        pass

    def enough(fraction: float) -> None:
        if list(prepared.folder.glob("piece-*.media")):
            raise Enough

    with pytest.raises(Enough):
        prepare(parts, on_progress=enough)
    assert len(list(prepared.folder.glob("piece-*.media"))) == 1
    bench.merge(*parts, prepared=prepared)


class Noting(FFmpeg):
    """An ffmpeg that notes how many seconds it was to decode for nothing but its complaints."""

    def run(self, command: Any, **options: Any) -> list[str]:
        if options.get("verbosity") == "error":
            decoded.append(options["expected_seconds"])
        return super().run(command, **options)


decoded: list[float] = []


def test_what_decoded_when_it_was_closed_is_decoded_round_its_joins_only(
    tmp_path, ffmpeg, material, prepare, prepared
):
    bench = Workbench(tmp_path, Noting(binary=ffmpeg.binary))
    part = material.repeated(FILMED, 5)
    parts = [source(part, 1), source(part, 2)]
    decoded.clear()
    report = bench.merge(*parts, prepared=prepared)
    assert sum(decoded) == pytest.approx(report.duration, abs=0.1)
    prepare(parts)
    decoded.clear()
    bench.merge(*parts, prepared=prepared)
    assert sum(decoded) == pytest.approx(10, abs=0.1)


def test_what_was_re_encoded_is_decoded_whole_however_clean_the_part_was(sample):
    parts = [replace(source(sample(FILMED), n), is_clean=True) for n in (1, 2, 3)]
    probes = [probe(part.path) for part in parts]
    copied, made = plan(parts, probes), plan(parts, probes, [1], because="a test wants it")
    once = probes[0].duration
    assert decoded_seconds(made.steps) >= decoded_seconds(copied.steps) + once - 4.1


@pytest.fixture
def flipped(judge, sample, material) -> Path:
    """A part with a picture that does not decode."""
    data = bytearray(sample(FILMED).read_bytes())
    picture = judge.packets(sample(FILMED), "video")[20][1]
    at = bytes(data).index(picture)
    data[at : at + 40] = bytes(255 - byte for byte in data[at : at + 40])
    return material.written("prepared-flipped.webm", bytes(data))


def test_what_was_prepared_serves_again_when_another_part_is_mended_meanwhile(
    bench, judge, sample, flipped, prepare, prepared
):
    parts = [source(sample(HEARD), 1), source(flipped, 2)]
    prepare(parts)
    report = bench.merge(*parts, prepared=prepared)
    assert [part.picture for part in report.parts] == ["slate", "copied"]
    assert report.parts[1].notes
    assert judge.complaints(bench.out) == ""


def test_a_part_that_does_not_decode_is_not_taken_for_clean(
    tmp_path, ffmpeg, judge, flipped, prepare, prepared
):
    part = source(flipped, 1)
    prepare([part])
    assert not prepared.is_clean(part)
    bench = Workbench(tmp_path, ffmpeg)
    assert bench.merge(part, prepared=prepared).parts[0].notes
    assert judge.complaints(bench.out) == ""
