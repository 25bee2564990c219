"""Real recordings, a real ffmpeg, and a judge that does not use the code it judges."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import psutil
import pytest

from qualz.media.ffmpeg import FFmpeg
from qualz.media.full_session import Report, Source, make

SAMPLES = Path(__file__).parent / "samples"


def find_ffmpeg() -> Path:
    if found := os.environ.get("FFMPEG") or shutil.which("ffmpeg"):
        return Path(found)
    import imageio_ffmpeg

    return Path(imageio_ffmpeg.get_ffmpeg_exe())


@pytest.fixture(scope="session")
def ffmpeg() -> FFmpeg:
    return FFmpeg(binary=find_ffmpeg())


@pytest.fixture(scope="session")
def sample() -> Callable[[str], Path]:
    return lambda name: SAMPLES / name


class Judge:
    """Looks at files with ffmpeg's decoders and PyAV's demuxers only."""

    def __init__(self, binary: Path) -> None:
        self.binary = binary

    def convert(self, *arguments: object) -> None:
        """Make a test's material."""
        command = [str(self.binary), "-v", "error", "-y", *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def complaints(self, path: Path) -> str:
        """What decoding all of a file makes ffmpeg say."""
        command = [str(self.binary), "-v", "error", "-i", str(path), "-map", "0:v?", "-map", "0:a?"]
        command += ["-fps_mode", "passthrough", "-f", "null", "-"]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        lines = done.stderr.splitlines()
        # Says only that two frames share a tick of the null muxer's clock.
        harmless = ("non monotonically increasing dts to muxer", "Last message repeated")
        kept = [line for line in lines if not any(words in line for words in harmless)]
        return "\n".join([*kept, *([] if done.returncode == 0 else [f"exit {done.returncode}"])])

    def frames(self, path: Path, kind: str = "v", seek: float | None = None) -> list[str]:
        """A digest of each decoded picture, in order."""
        command = [str(self.binary), "-v", "error"]
        command += ["-ss", str(seek)] if seek is not None else []
        command += ["-i", str(path), "-map", f"0:{kind}:0", "-fps_mode", "passthrough"]
        command += ["-frames:v", "1"] if seek is not None else []
        command += ["-f", "framemd5", "-"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        )
        lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
        return [line.split(",")[-1].strip() for line in lines]

    def packets(self, path: Path, kind: str) -> list[tuple[float, bytes]]:
        """(time in seconds, bytes) of each whole packet of a file's first track of a kind."""
        with av.open(str(path)) as container:
            stream = getattr(container.streams, kind)[0]
            return [
                (float(packet.pts * stream.time_base), bytes(packet))
                for packet in container.demux(stream)
                if packet.size and packet.pts is not None and not packet.is_corrupt
            ]

    def tracks(self, path: Path) -> list[tuple[str, str]]:
        with av.open(str(path)) as container:
            media = (*container.streams.video, *container.streams.audio)
            by_number = sorted(media, key=lambda stream: int(stream.index))
            return [(stream.type, stream.codec_context.name) for stream in by_number]

    def length(self, path: Path) -> float:
        """Seconds from a file's beginning to where its last packet ends."""
        with av.open(str(path)) as container:
            packets = [packet for packet in container.demux() if packet.size]
            ends = [
                float((packet.pts + (packet.duration or 0)) * packet.time_base)
                for packet in packets
            ]
        return max(ends)

    def duration(self, path: Path) -> float | None:
        """Seconds that the header announces."""
        with av.open(str(path)) as container:
            return container.duration / av.time_base if container.duration else None


@pytest.fixture(scope="session")
def judge(ffmpeg: FFmpeg) -> Judge:
    return Judge(ffmpeg.binary)


@dataclass
class Workbench:
    """Makes Full Sessions in a folder of its own."""

    folder: Path
    ffmpeg: FFmpeg

    @property
    def out(self) -> Path:
        return self.folder / "full-session"

    def merge(
        self,
        *parts: Path | Source,
        on_progress: Callable[[float], None] = lambda fraction: None,
        **options: object,
    ) -> Report:
        workspace = self.folder / "workspace"
        shutil.rmtree(workspace, ignore_errors=True)
        workspace.mkdir()
        defaults = {"title": "An interview", "recorded_at": None}
        return make(
            self.sources(parts),
            self.out,
            ffmpeg=self.ffmpeg,
            workspace=workspace,
            on_progress=on_progress,
            **(defaults | options),  # type: ignore[arg-type]
        )

    @staticmethod
    def sources(parts: Sequence[Path | Source]) -> list[Source]:
        return [
            part
            if isinstance(part, Source)
            else Source(path=part, label=f"Part {number}", gap_before=38.2 if number > 1 else None)
            for number, part in enumerate(parts, 1)
        ]


@pytest.fixture
def bench(tmp_path: Path, ffmpeg: FFmpeg) -> Workbench:
    return Workbench(tmp_path, ffmpeg)


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory, judge: Judge) -> Material:
    return Material(tmp_path_factory.mktemp("material"), judge)


class Material:
    """Recordings derived from the real ones; each is made once."""

    def __init__(self, folder: Path, judge: Judge) -> None:
        self.folder = folder
        self.judge = judge

    def _made(self, name: str, *arguments: object) -> Path:
        path = self.folder / name
        if not path.exists():
            self.judge.convert(*arguments, path)
        return path

    def swapped(self, name: str) -> Path:
        """The same packets with sound and picture in the other order."""
        source = SAMPLES / name
        with av.open(str(source)) as container:
            first = container.streams[0].type[0]
        order = "av" if first == "v" else "va"
        maps = [argument for kind in order for argument in ("-map", f"0:{kind}")]
        return self._made(f"swapped-{name}", "-i", source, *maps, "-c", "copy")

    def only(self, kind: str, name: str) -> Path:
        """One track of a recording; `kind` is v or a."""
        options = ("-map", f"0:{kind}", "-c", "copy")
        return self._made(f"only-{kind}-{name}", "-i", SAMPLES / name, *options)

    def shortened(self, name: str, seconds: float) -> Path:
        return self._made(
            f"{seconds}-{name}", "-i", SAMPLES / name, "-map", "0", "-c", "copy", "-t", seconds
        )

    def repeated(self, name: str, times: int) -> Path:
        options = ("-map", "0", "-c", "copy")
        return self._made(
            f"{times}-times-{name}", "-stream_loop", times - 1, "-i", SAMPLES / name, *options
        )

    def beginning_late(self, name: str, dropped: int) -> Path:
        """Without its first pictures, the key frame included."""
        drop = rf"noise=drop=lt(n\,{dropped})"
        options = ("-map", "0", "-c", "copy", "-copyinkf", "-bsf:v", drop)
        return self._made(f"late-{name}", "-i", SAMPLES / name, *options)

    def like_safari(self, *, pictures_reordered: bool = False, rate: int = 44_100) -> Path:
        """Fragmented MP4 with H.264 and AAC."""
        return self._made(
            f"safari-{pictures_reordered}-{rate}.mp4",
            *("-f", "lavfi", "-i", "testsrc2=s=320x240:r=30:d=3"),
            *("-f", "lavfi", "-i", f"sine=440:r={rate}:d=3"),
            *("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "30"),
            *("-bf", "2" if pictures_reordered else "0", "-c:a", "aac"),
            *("-movflags", "frag_keyframe+delay_moov+default_base_moof"),
        )

    def of_size(self, size: str) -> Path:
        return self._made(
            f"{size}.webm",
            *("-f", "lavfi", "-i", f"testsrc2=r=10:d=1,scale={size}"),
            *("-f", "lavfi", "-i", "sine=d=1"),
            *("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"),
        )

    def written(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def cut_off(self, name: str, share: float) -> Path:
        data = (SAMPLES / name).read_bytes()
        return self.written(f"cut-{share}-{name}", data[: int(len(data) * share)])


def running_ffmpegs() -> list[psutil.Process]:
    """The ffmpegs that this process has started; a browser of other tests may run beside them."""
    ours = psutil.Process().children(recursive=True)
    return [child for child in ours if "ffmpeg" in child.name()]
