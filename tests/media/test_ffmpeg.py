"""ffmpeg as a guest in the house: watched, fenced in, and gone when it has to be."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import ffmpeg as builder
import psutil
import pytest

from qualz.media.disk import DiskFull
from qualz.media.ffmpeg import Failed, FFmpeg, Stopped, source, upload
from tests.media.conftest import running_ffmpegs

FOR_EVER = ["-f", "lavfi", "-re", "-i", "testsrc2=s=64x64:r=25", "-f", "null", "-"]


def test_a_command_built_by_ffmpeg_python_is_run(ffmpeg, sample, tmp_path):
    out = tmp_path / "out.mka"
    command = upload(sample("chromium-opus.webm")).output(f"file:{out}", c="copy")
    assert ffmpeg.run(command, expected_seconds=6.0) == []
    assert out.stat().st_size > 90_000


def test_progress_is_a_fraction_of_the_media_and_ends_at_one(ffmpeg):
    seen: list[float] = []
    arguments = ["-f", "lavfi", "-i", "testsrc2=d=20:r=25", "-f", "null", "-"]
    ffmpeg.run(arguments, expected_seconds=20.0, on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_failure_tells_what_ffmpeg_said(ffmpeg, tmp_path):
    with pytest.raises(Failed, match="No such file") as caught:
        ffmpeg.run(upload(tmp_path / "absent.webm").output("-", format="null"))
    assert caught.value.code != 0
    assert caught.value.lines


def test_a_flood_of_messages_does_not_block_it(ffmpeg):
    noisy = ["-f", "lavfi", "-i", "testsrc2=d=20:s=64x64,showinfo", "-f", "null", "-"]
    lines = ffmpeg.run(noisy, verbosity="info")
    assert sum(map(len, lines)) > 65_536


def test_an_exception_from_the_progress_report_kills_it(ffmpeg):
    class LeaseLost(Exception):
        pass

    def lose(fraction: float) -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        ffmpeg.run(FOR_EVER, expected_seconds=3600.0, on_progress=lose)
    assert running_ffmpegs() == []


def test_it_is_stopped_when_its_time_is_over(ffmpeg):
    with pytest.raises(Stopped, match="not done after"):
        ffmpeg.run(FOR_EVER, limit=0.5)
    assert running_ffmpegs() == []


def test_it_is_stopped_when_it_does_nothing_any_more(ffmpeg):
    def freeze(fraction: float) -> None:
        for child in running_ffmpegs():
            child.suspend()

    with pytest.raises(Stopped, match="did nothing"):
        ffmpeg.run(FOR_EVER, on_progress=freeze, stall=1.0)
    assert running_ffmpegs() == []


def test_it_may_not_fill_the_disk(ffmpeg, tmp_path):
    out = tmp_path / "large.avi"
    large = ["-f", "lavfi", "-i", "testsrc2=d=60:s=640x480", "-c:v", "rawvideo", str(out)]
    with pytest.raises(Failed):
        ffmpeg.run(large, file_size=1_000_000)
    assert out.stat().st_size <= 1_000_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_told_from_other_failures(ffmpeg):
    with pytest.raises(DiskFull):
        ffmpeg.run(["-f", "lavfi", "-i", "testsrc2=d=5", "-f", "rawvideo", "/dev/full"])


def test_it_yields_to_others(ffmpeg):
    niceness: list[int] = []

    def look(fraction: float) -> None:
        niceness.extend(child.nice() for child in running_ffmpegs())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ffmpeg.run(FOR_EVER, on_progress=look)
    assert niceness == [min(19, psutil.Process().nice() + 10)]


PARENT = """
import sys
from pathlib import Path
import psutil
from qualz.media.ffmpeg import FFmpeg

def tell(fraction):
    for child in psutil.Process().children():
        print(child.pid, flush=True)

FFmpeg(binary=Path(sys.argv[1])).run(sys.argv[2:], on_progress=tell)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PR_SET_PDEATHSIG is Linux's")
def test_it_dies_with_its_parent(ffmpeg):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(ffmpeg.binary), *FOR_EVER],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs([child], timeout=10)
    assert alive == []


# --- What participants may send ------------------------------------------------------------------


@pytest.fixture
def listener():
    """A server that would notice a connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def nobody_came(server: socket.socket) -> bool:
    try:
        connection, _ = server.accept()
    except BlockingIOError:
        return True
    connection.close()
    return False


def playlists(port: int, secret: Path) -> dict[str, str]:
    return {
        "hls over http": (
            "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n"
            f"http://127.0.0.1:{port}/segment.ts\n#EXT-X-ENDLIST\n"
        ),
        "hls of a file": (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{secret}\n#EXT-X-ENDLIST\n"
        ),
        "concat": f"ffconcat version 1.0\nfile {secret}\n",
        "concat over http": f"ffconcat version 1.0\nfile http://127.0.0.1:{port}/part.webm\n",
        "dash": (
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
            '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">'
            f"<BaseURL>http://127.0.0.1:{port}/video.mp4</BaseURL>"
            "</Representation></AdaptationSet></Period></MPD>"
        ),
        "sdp": (
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
            f"m=audio {port} RTP/AVP 0\n"
        ),
    }


@pytest.mark.parametrize("kind", list(playlists(0, Path())))
def test_a_playlist_named_like_a_recording_reads_no_file_and_opens_no_socket(
    kind, ffmpeg, bench, sample, tmp_path, listener, material
):
    secret = tmp_path / "secret.webm"
    secret.write_bytes(sample("chromium-vp8-opus.webm").read_bytes())
    trap = tmp_path / "part.webm"
    trap.write_text(playlists(listener.getsockname()[1], secret)[kind])
    with pytest.raises(Failed):
        ffmpeg.run(upload(trap).output(f"file:{tmp_path / 'stolen.mkv'}", c="copy"))
    assert not (tmp_path / "stolen.mkv").exists()
    report = bench.merge(trap, sample("chromium-opus.webm"))
    assert report.parts[0].left_out == "it does not begin like a recording"
    assert report.mime_type == "audio/webm"
    assert nobody_came(listener)


def test_a_list_of_pieces_opens_nothing_but_pieces(ffmpeg, tmp_path, listener):
    inner = tmp_path / "piece.nut"
    inner.write_text(playlists(listener.getsockname()[1], tmp_path)["hls over http"])
    outer = tmp_path / "pieces.ffconcat"
    outer.write_text("ffconcat version 1.0\nfile piece.nut\n")
    listed = source(outer, formats="concat,nut", format="concat")
    with pytest.raises(Failed):
        ffmpeg.run(builder.output(listed, "-", format="null"))
    assert nobody_came(listener)


def test_a_name_is_never_taken_for_an_option_or_an_address(ffmpeg, sample, tmp_path):
    odd = tmp_path / "-y http: it's [odd]%d.webm"
    odd.write_bytes(sample("chromium-opus.webm").read_bytes())
    ffmpeg.run(upload(odd).output("-", format="null"), expected_seconds=6.0)


def test_the_same_trap_works_where_nothing_is_fenced_in(ffmpeg: FFmpeg, sample, tmp_path):
    """So that the tests above prove something."""
    secret = tmp_path / "secret.webm"
    secret.write_bytes(sample("chromium-opus.webm").read_bytes())
    trap = tmp_path / "part.webm"
    trap.write_text("ffconcat version 1.0\nfile secret.webm\n")
    stolen = tmp_path / "stolen.mka"
    ffmpeg.run(["-i", str(trap), "-c", "copy", str(stolen)])
    assert stolen.stat().st_size > 90_000
