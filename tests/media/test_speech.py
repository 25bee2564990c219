"""An answer's sound, cut out of whatever a browser recorded, at the right place."""

from __future__ import annotations

import subprocess
from array import array
from pathlib import Path

import pytest

from qualz.media import speech
from qualz.media.ffmpeg import Failed, FFmpeg
from qualz.tools import find_ffmpeg

SAMPLES = Path(__file__).parent.parent / "samples"
BEEP = 440
WAYS = {
    "webm": ["-c:a", "libopus", "-live", "1", "-cluster_time_limit", "1000"],
    "mp4": ["-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov", "-frag_duration", "1000000"],
}


@pytest.fixture(scope="module")
def ffmpeg() -> FFmpeg:
    return FFmpeg(binary=find_ffmpeg() or Path("ffmpeg"))


@pytest.fixture(scope="module", params=WAYS)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute in which each tenth second is loud, in stereo, as browsers write it: without cues,
    in short fragments, and its end not there yet."""
    path = tmp_path_factory.mktemp("speech") / f"growing.{request.param}"
    tone = f"aevalsrc=sin({BEEP}*2*PI*t)*lt(mod(t\\,10)\\,1)|0:s=48000:d=60"
    head = [str(find_ffmpeg()), "-v", "error", "-y", "-f", "lavfi", "-i", tone]
    subprocess.run([*head, *WAYS[request.param], "-f", request.param, str(path)], check=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 4 // 5])
    return path


def loud(sound: bytes) -> list[float]:
    """Seconds at which it becomes loud."""
    samples = array("h", sound)
    pieces = [samples[start : start + 160] for start in range(0, len(samples), 160)]
    is_loud = [max(map(abs, piece)) > 2000 for piece in pieces]
    return [
        number / 100
        for number, is_now in enumerate(is_loud)
        if is_now and not any(is_loud[max(0, number - 30) : number])
    ]


@pytest.mark.parametrize("begins", [0.0, 5.0, 27.3])
def test_every_sample_is_at_its_time(recorded: Path, begins: float, tmp_path: Path, ffmpeg: FFmpeg):
    sound = speech.cut(recorded, begins, begins + 6, tmp_path, ffmpeg=ffmpeg)
    assert len(sound) == pytest.approx(6 * 32_000, abs=640)
    (at,) = loud(sound)
    assert begins + at == pytest.approx(-(-begins // 10) * 10, abs=0.05)


def test_what_has_not_come_yet_is_left_out(recorded: Path, tmp_path: Path, ffmpeg: FFmpeg):
    sound = speech.cut(recorded, 40.0, 60.0, tmp_path, ffmpeg=ffmpeg)
    assert 32_000 < len(sound) < 15 * 32_000
    assert speech.cut(recorded, 70.0, 75.0, tmp_path, ffmpeg=ffmpeg) == b""


def test_a_picture_is_passed_over(tmp_path: Path, ffmpeg: FFmpeg):
    sound = speech.cut(SAMPLES / "chromium-vp8-opus.webm", 0.5, 1.5, tmp_path, ffmpeg=ffmpeg)
    assert len(sound) == pytest.approx(32_000, abs=640)


def test_what_is_no_recording_fails(tmp_path: Path, ffmpeg: FFmpeg):
    path = tmp_path / "part.webm"
    path.write_bytes(b"#EXTM3U\nfile:///etc/passwd\n")
    with pytest.raises(Failed):
        speech.cut(path, 0.0, 1.0, tmp_path, ffmpeg=ffmpeg)
