"""Redacted copies: what was said in a span cannot be heard, and all else is where it was.

All is judged from outside: by PyAV's demuxers and decoders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from qualz.media import unheard
from qualz.media.containers import index_in_front
from qualz.media.probe import probe
from qualz.media.redact import make
from qualz.media.rendition import CannotMake
from qualz.media.span import MARGIN, Span, Treatment
from tests.media.conftest import Judge, Material, Workbench

RATE = 48_000
SPEECH = Path(__file__).parent.parent / "samples" / "speech.wav"


@pytest.fixture
def redacts(bench: Workbench) -> Callable[..., Path]:
    """Makes a Full Session of one part, and a redacted copy of that."""

    def redacts(part: Path, spans: Sequence[Span]) -> Path:
        bench.merge(part, part)
        workspace, out = bench.folder / "redacting", bench.folder / "redacted"
        workspace.mkdir(exist_ok=True)
        make(bench.out, out, spans, ffmpeg=bench.ffmpeg, workspace=workspace)
        return out

    return redacts


@pytest.fixture(scope="session")
def spoken(material: Material) -> Path:
    """Real speech as a browser records it."""
    return material._made("spoken.webm", "-i", SPEECH, "-c:a", "libopus", "-b:a", "64k")


def sound(path: Path) -> np.ndarray:
    """All of a file's sound, in one channel, each sample at its time."""
    found = np.zeros(RATE * 60, np.float32)
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", RATE)
        for frame in container.decode(audio=0):
            for piece in resampler.resample(frame):
                at = max(0, round(float(piece.pts * piece.time_base) * RATE))
                samples = piece.to_ndarray()[0]
                found[at : at + len(samples)] = samples
    return found


def decibels(samples: np.ndarray) -> float:
    return float(20 * np.log10(max(1e-6, np.sqrt(np.mean(samples**2)))))


def within(samples: np.ndarray, begins: float, ends: float) -> np.ndarray:
    return samples[round(begins * RATE) : round(ends * RATE)]


def pictures(path: Path) -> list[tuple[float, float]]:
    """When each picture is shown, and how bright it is."""
    with av.open(str(path)) as container:
        return [
            (frame.time, float(frame.to_ndarray(format="gray").mean()))
            for frame in container.decode(video=0)
        ]


def test_nothing_of_a_span_of_speech_can_be_heard_and_its_neighbours_are_as_they_were(
    bench: Workbench, redacts: Callable[..., Path], spoken: Path
):
    spans = [Span(begins=0.8, ends=1.0), Span(begins=2.5, ends=3.5)]
    after = sound(redacts(spoken, spans))
    before = sound(bench.out)
    for span in spans:
        assert decibels(within(before, span.begins, span.ends)) > -45
        assert decibels(within(after, span.begins - 0.1, span.ends + 0.1)) < -80
        beyond = span.ends + MARGIN + 0.05
        for begins, ends in (
            (span.begins - 0.7, span.begins - MARGIN - 0.05),
            (beyond, beyond + 1),
        ):
            kept, was = within(after, begins, ends), within(before, begins, ends)
            assert np.corrcoef(kept, was)[0, 1] > 0.98
            assert decibels(kept) == pytest.approx(decibels(was), abs=1)


def test_a_beep_holds_a_tone_and_nothing_else(redacts: Callable[..., Path], spoken: Path):
    span = Span(begins=2.0, ends=3.0, treatment=Treatment.BEEP)
    after = within(sound(redacts(spoken, [span])), span.begins, span.ends)
    spectrum = np.abs(np.fft.rfft(after * np.hanning(len(after)))) ** 2
    hertz = np.fft.rfftfreq(len(after), 1 / RATE)
    tone = spectrum[np.abs(hertz - 1000) < 30].sum()
    assert tone / spectrum.sum() > 0.999
    assert -30 < decibels(after) < -15


@pytest.mark.parametrize("name", ["chromium-vp8-opus.webm", "chromium-vp9-opus.mp4", "safari"])
def test_pictures_stay_bit_for_bit_with_chapters_title_and_length(
    name: str,
    bench: Workbench,
    judge: Judge,
    material: Material,
    sample: Callable[[str], Path],
    redacts: Callable[..., Path],
):
    part = material.like_safari() if name == "safari" else sample(name)
    out = redacts(part, [Span(begins=1.0, ends=1.6, treatment=Treatment.BEEP)])
    assert [data for _, data in judge.packets(out, "video")] == [
        data for _, data in judge.packets(bench.out, "video")
    ]
    assert [at for at, _ in judge.packets(out, "video")] == pytest.approx(
        [at for at, _ in judge.packets(bench.out, "video")], abs=0.0015
    )
    assert judge.tracks(out) == judge.tracks(bench.out)
    assert judge.length(out) == pytest.approx(judge.length(bench.out), abs=0.05)
    assert index_in_front(out)
    assert judge.complaints(out) == ""
    with av.open(str(out)) as made, av.open(str(bench.out)) as was:
        assert len(made.chapters()) == len(was.chapters()) == 2
        assert made.metadata["title"] == was.metadata["title"] == "An interview"


@pytest.mark.parametrize("name", ["chromium-vp8-opus.webm", "chromium-avc1-opus.webm"])
def test_a_picture_is_covered_for_as_long_as_it_is_asked_for(
    name: str, sample: Callable[[str], Path], bench: Workbench, redacts: Callable[..., Path]
):
    span = Span(begins=1.0, ends=2.0, covers_picture=True)
    shown = pictures(redacts(sample(name), [span]))
    was = dict(pictures(bench.out))
    black = [grey for at, grey in shown if span.begins <= at <= span.ends]
    assert len(black) > 5
    assert max(black) < 1
    others = [at for at, _ in shown if abs(at - 1.5) > 0.5 + MARGIN + 0.1]
    nearest = [was[min(was, key=lambda known: abs(known - at))] for at in others]
    assert [dict(shown)[at] for at in others] == pytest.approx(nearest, abs=8)
    assert len(shown) == pytest.approx(len(was), rel=0.05)


def test_a_copy_in_which_something_can_still_be_heard_is_refused(
    bench: Workbench, redacts: Callable[..., Path], spoken: Path
):
    out = redacts(spoken, [Span(begins=2.0, ends=3.0)])
    elsewhere = Span(begins=4.0, ends=5.0)

    def listens(to: Path, span: Span) -> None:
        unheard.demand_unheard(
            to,
            bench.out,
            probe(bench.out),
            [(span.widened, span)],
            is_copied=True,
            ffmpeg=bench.ffmpeg,
            workspace=bench.folder,
            on_progress=lambda done: None,
        )

    with pytest.raises(unheard.Leaked, match="can still be heard at 4"):
        listens(out, elsewhere)
    # Silent where it should be, and in another place as well.
    quiet = redacts(spoken, [Span(begins=0.5, ends=6.0)])
    with pytest.raises(unheard.Leaked, match="does not sound as before"):
        listens(quiet, Span(begins=2.0, ends=3.0))


def test_what_is_gone_or_cannot_be_read_is_told_in_a_sentence(bench: Workbench, material: Material):
    for path in (bench.folder / "gone", material.written("noise.webm", b"no recording" * 99)):
        with pytest.raises(CannotMake):
            make(
                path,
                bench.out,
                [Span(begins=0, ends=1)],
                ffmpeg=bench.ffmpeg,
                workspace=bench.folder,
            )
    assert not bench.out.exists()
