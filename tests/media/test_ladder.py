"""What a merge falls back to when parts cannot be copied, on an ffmpeg that refuses to."""

from __future__ import annotations

from typing import Any

import pytest

from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.media.full_session import CannotMerge, Source, mended_closely
from qualz.media.ladder import Ladder
from qualz.media.plan import plan
from qualz.media.probe import probe
from qualz.media.progress import Meter
from tests.media.conftest import Workbench

NAME = "chromium-vp8-opus.webm"


class Refusing(FFmpeg):
    """An ffmpeg that fails on copying the picture of a part whose piece's name begins so."""

    refused = "piece-"

    def run(self, command: Any, **options: Any) -> list[str]:
        arguments = list(command) if isinstance(command, (list, tuple)) else command.get_args()
        if "-c:v" not in arguments and any(self.refused in argument for argument in arguments):
            raise Failed(1, ["copying is refused here"])
        return super().run(command, **options)


class RefusingTheSecond(Refusing):
    refused = "piece-0001"


class Useless(FFmpeg):
    def run(self, command: Any, **options: Any) -> list[str]:
        raise Failed(1, ["nothing works here"])


def flipped(judge, sample, material):
    """A part with a picture that does not decode."""
    data = bytearray(sample(NAME).read_bytes())
    picture = judge.packets(sample(NAME), "video")[20][1]
    at = bytes(data).index(picture)
    data[at : at + 40] = bytes(255 - byte for byte in data[at : at + 40])
    return material.written("flipped.webm", bytes(data))


def test_a_damaged_part_that_cannot_be_copied_is_re_encoded(
    tmp_path, ffmpeg, judge, sample, material
):
    bench = Workbench(tmp_path, RefusingTheSecond(binary=ffmpeg.binary))
    sound = sample("chromium-opus.webm")
    report = bench.merge(sample(NAME), flipped(judge, sample, material), sound)
    assert [part.picture for part in report.parts] == ["copied", "re-encoded", "slate"]
    assert report.parts[1].reasons[0] == "its picture was re-encoded: it is damaged"
    assert judge.complaints(bench.out) == ""
    assert report.duration == pytest.approx(judge.length(sound) + 12, abs=0.2)


def test_all_parts_are_re_encoded_before_a_merge_is_given_up(
    tmp_path, ffmpeg, judge, sample, material
):
    bench = Workbench(tmp_path, Refusing(binary=ffmpeg.binary))
    name = "chromium-vp9-opus.mp4"
    report = bench.merge(material.shortened(name, 3), sample(name))
    assert [f"{part.picture} {part.sound}" for part in report.parts] == 2 * [
        "re-encoded re-encoded"
    ]
    assert "could not be joined by copying" in report.parts[0].reasons[0]
    assert judge.complaints(bench.out) == ""
    assert len(judge.packets(bench.out, "video")) == pytest.approx(
        len(judge.packets(sample(name), "video")) * 1.5, abs=3
    )


def test_a_part_of_which_a_closer_look_leaves_nothing_is_left_out_and_named(
    tmp_path, ffmpeg, sample, material
):
    probed = probe(sample(NAME))
    gone = material.written("gone.webm", b"")
    sources = [Source(path=path, label="", gap_before=None) for path in (sample(NAME), gone)]
    meter = Meter(lambda fraction: None)
    ladder = Ladder(list(sources), [probed, probed], tmp_path, ffmpeg, "", None, meter)
    assert mended_closely(sources, ladder, [1])
    fewer = plan(ladder.sources, ladder.probes)
    assert [(left.index, left.reason) for left in fewer.left_out] == [(1, "it is empty")]


def test_where_nothing_helps_the_first_reason_is_told_and_nothing_is_left(
    tmp_path, ffmpeg, sample, material
):
    bench = Workbench(tmp_path, Useless(binary=ffmpeg.binary))
    with pytest.raises(CannotMerge, match="nothing works here"):
        bench.merge(sample(NAME), material.swapped(NAME))
    assert not bench.out.exists()
