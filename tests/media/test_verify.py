"""The judge of Full Sessions is shown files with one fault each."""

from __future__ import annotations

import pytest

from qualz.media.normalise import normalise
from qualz.media.plan import Source, plan
from qualz.media.probe import probe
from qualz.media.verify import Broken, verify

NAME = "chromium-vp9-opus.webm"


@pytest.fixture(scope="module")
def case(tmp_path_factory, ffmpeg, sample, material):
    """A plan for two parts whose tracks lie in different order, and their pieces."""
    folder = tmp_path_factory.mktemp("case")
    paths = [sample(NAME), material.swapped(NAME)]
    sources = [
        Source(path=path, label=f"Part {number}", gap_before=None)
        for number, path in enumerate(paths, 1)
    ]
    chosen = plan(sources, [probe(path) for path in paths])
    pieces = [normalise(step, chosen, folder, ffmpeg=ffmpeg) for step in chosen.steps]
    return chosen, pieces, folder


@pytest.fixture(scope="module")
def joined(case, judge):
    """What is right, made by hand."""
    _, pieces, folder = case
    lines = [f"file {piece.path.name}\nduration {piece.duration}\n" for piece in pieces]
    (folder / "list").write_text("ffconcat version 1.0\n" + "".join(lines))
    out = folder / "right.webm"
    judge.convert(
        *("-f", "concat", "-i", folder / "list", "-map", "0:v", "-map", "0:a"),
        *("-c", "copy", "-cues_to_front", "1", out),
    )
    return out


@pytest.fixture
def verdict(case, ffmpeg):
    chosen, pieces, _ = case
    return lambda path: verify(path, pieces, chosen, ffmpeg=ffmpeg)


def test_a_right_file_passes(joined, verdict):
    assert verdict(joined) == {}


def test_what_plain_concat_makes_of_parts_with_swapped_tracks_is_broken(
    case, judge, sample, material, tmp_path, verdict
):
    listing = tmp_path / "list"
    listing.write_text(f"file '{sample(NAME)}'\nfile '{material.swapped(NAME)}'\n")
    out = tmp_path / "out.webm"
    judge.convert(
        *("-f", "concat", "-safe", "0", "-i", listing, "-c", "copy", "-cues_to_front", "1", out)
    )
    with pytest.raises(Broken):
        verdict(out)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("-map", "0:v", "-map", "0:a"), "seek before"),
        (("-map", "0:a", "-map", "0:v", "-cues_to_front", "1"), "tracks"),
        (("-map", "0:v", "-cues_to_front", "1"), "tracks"),
        (("-map", "0", "-t", "8", "-cues_to_front", "1"), "missing"),
        (("-map", "0", "-bsf:a", "noise=drop=eq(n\\,150)", "-cues_to_front", "1"), "belongs"),
        (("-map", "0", "-bsf:a", "setts=ts=TS+30", "-cues_to_front", "1"), "belongs"),
    ],
)
def test_one_fault_is_enough(arguments, fault, joined, judge, tmp_path, verdict):
    out = tmp_path / "out.webm"
    judge.convert("-i", joined, *arguments, "-c", "copy", out)
    with pytest.raises(Broken, match=fault):
        verdict(out)


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_one_changed_bit_is_enough(kind, joined, judge, material, verdict):
    data = bytearray(joined.read_bytes())
    packet = judge.packets(joined, kind)[150][1]
    data[bytes(data).index(packet) + len(packet) // 2] ^= 1
    with pytest.raises(Broken, match=f"Part .: {kind} packets are not the recorded ones"):
        verdict(material.written("changed.webm", bytes(data)))


def test_a_picture_of_another_size_is_noticed(case, judge, sample, tmp_path, verdict):
    _, pieces, _ = case
    small, listing, out = (tmp_path / name for name in ("small.webm", "sizes", "out.webm"))
    judge.convert(
        *("-i", sample(NAME), "-map", "0:v", "-map", "0:a", "-s", "320x240", "-c:a", "copy"),
        *("-fps_mode", "passthrough", "-enc_time_base:v", "1:1000", "-lag-in-frames", "0"),
        *("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
        *("-cues_to_front", "1", small),
    )
    with pytest.raises(Broken, match="320×240"):
        verdict(small)
    listing.write_text(
        f"ffconcat version 1.0\nfile '{sample(NAME)}'\nduration {pieces[0].duration}\n"
        f"file small.webm\n"
    )
    judge.convert(
        *("-f", "concat", "-safe", "0", "-i", listing, "-map", "0:v", "-map", "0:a"),
        *("-c", "copy", "-cues_to_front", "1", out),
    )
    with pytest.raises(Broken, match="Part 2: the size of the picture changes"):
        verdict(out)


def test_a_part_that_is_missing_is_noticed(case, joined, ffmpeg):
    chosen, pieces, _ = case
    with pytest.raises(Broken, match="missing from packet 0"):
        verify(joined, [*pieces, pieces[0]], chosen, ffmpeg=ffmpeg)


def test_a_file_that_is_none_is_broken(tmp_path, verdict):
    (tmp_path / "out.webm").write_bytes(b"no file")
    with pytest.raises(Broken):
        verdict(tmp_path / "out.webm")
