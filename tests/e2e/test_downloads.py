"""What a researcher takes away: an MP4 judged from outside, whatever dies while it is made."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import av
import psutil
import pytest
from playwright.sync_api import expect
from redis import Redis

from qualz.database import db
from qualz.interview import Interview
from qualz.part import EndReason
from qualz.researcher import Researcher as Account
from qualz.study import Camera, Study
from tests.e2e.actors import MERGED, Researcher
from tests.e2e.conftest import inside
from tests.e2e.server import Server, eventually
from tests.gate import Gate

SAMPLE = Path(__file__).parent.parent / "samples" / "chromium-vp8-opus.webm"


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return Gate(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, gate: Gate) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("qualz"), FFMPEG=str(gate.program), QUALZ_LEASE="3")
    server.start()
    yield server
    server.stop()


def was_interviewed(server: Server, title: str) -> None:
    """A study with one interview that is over, recorded with the camera in two parts."""
    with inside(server) as app:
        study = Study.start(db.session.scalars(db.select(Account)).one(), title=title)
        study.state, study.camera = Study.State.LIVE, Camera.ON_BY_DEFAULT
        db.session.flush()
        interview = Interview.begin(study.invitation)
        db.session.flush()
        for number in (1, 2):
            part = interview.recording.start_part(
                key=f"{interview.public_id}-{number}",
                reported_type="video/webm",
                has_camera=True,
            )
            db.session.flush()
            app.extensions["storage"].append(part.file, SAMPLE.read_bytes(), at=0)
            part.bytes_durable = SAMPLE.stat().st_size
            part.close(EndReason.FINISHED)
        interview.complete()
        db.session.commit()


def opens(researcher: Researcher, title: str) -> None:
    researcher.opens_transcripts(title)
    researcher.opens_interview("Participant 1")
    # Nothing hears a press before HTMX has looked through what it swapped in.
    expect(researcher.page.locator(".htmx-added, .htmx-request")).to_have_count(0)


def presses_slowly(researcher: Researcher, server: Server, name: str) -> None:
    """While the finger is on the button, what is around it becomes other than it was."""
    page = researcher.page
    page.get_by_role("button", name=name).hover()
    page.mouse.down()
    with (
        page.expect_response(
            lambda answer: (
                answer.url.split("?")[0].endswith("/recording")
                and answer.ok
                and answer.status == 200
            )
        ),
        inside(server),
    ):
        interview = db.session.scalars(db.select(Interview).order_by(Interview.id.desc())).first()
        assert interview
        interview.recording.clips[0].note_recorded(7_000)
        db.session.commit()
    page.mouse.up()


def is_killed(server: Server, *words: str) -> None:
    worker = server.child(*words)
    family = [worker, *worker.children(recursive=True)]
    os.kill(worker.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []


def downloads(researcher: Researcher, name: str, folder: Path) -> Path:
    with researcher.page.expect_download() as begun:
        researcher.page.get_by_role("link", name=name).click()
    kept = folder / begun.value.suggested_filename
    begun.value.save_as(kept)
    return kept


def top_boxes(path: Path) -> list[str]:
    """Names of an MP4's boxes in order, read by hand (ISO/IEC 14496-12, 4.2)."""
    found, data = [], path.read_bytes()
    at = 0
    while at + 8 <= len(data):
        found.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big") or len(data)
    return found


def has_nothing_to_do(server: Server) -> bool:
    line = Redis.from_url(server.redis_url)
    return not server.child("worker leisure").children() and not line.llen("rq:queue:qualz-leisure")


def test_a_merge_is_cancelled_and_asked_for_again(
    server: Server, gate: Gate, researcher: Researcher
):
    gate.closes()
    was_interviewed(server, "Cancelled and merged")
    opens(researcher, "Cancelled and merged")
    worker = server.child("worker merges")
    [merging] = eventually(lambda: gate.waiting_for(worker), within=30)
    presses_slowly(researcher, server, "Cancel the merge")
    researcher.sees("Cancelled. The clips are unharmed; merge again when you like.")
    psutil.wait_procs([merging], timeout=20)
    assert not merging.is_running(), "its ffmpeg goes on"
    eventually(researcher.polls_no_more)
    expect(researcher.page.locator("#rows").get_by_text("Merge cancelled")).to_be_visible()
    gate.opens()
    researcher.presses("Merge again")
    researcher.waits_for_the_full_session()
    expect(researcher.page.locator("recording-player [data-said]")).to_have_text(
        "The Full Session is ready."
    )
    assert server.ask("SELECT state FROM merges ORDER BY id") == [("failed",), ("done",)]


def test_an_mp4_is_downloaded_although_its_worker_was_killed_and_no_merge_waits_behind_it(
    server: Server, gate: Gate, researcher: Researcher, tmp_path: Path
):
    gate.opens()
    was_interviewed(server, "To take away")
    opens(researcher, "To take away")
    researcher.waits_for_the_full_session()
    as_it_is = downloads(researcher, "Full Session as it is", tmp_path)
    assert as_it_is.name == "To take away — Participant 1.webm"

    # Who makes the MP4 prepares and illustrates until then.
    eventually(
        lambda: not server.ask("SELECT 1 FROM recordings WHERE illustrated IS NOT full_session")
    )
    eventually(lambda: has_nothing_to_do(server), what="who works at leisure is done")
    gate.closes()
    researcher.page.get_by_role("button", name="Download as MP4").focus()
    researcher.page.keyboard.press("Enter")
    researcher.sees("Making the MP4")
    expect(researcher.page.locator("#download-mp4")).to_be_focused()
    [making] = eventually(lambda: gate.waiting_for(server.child("worker leisure")), within=30)
    was_interviewed(server, "Another one meanwhile")
    [merging] = eventually(lambda: gate.waiting_for(server.child("worker merges")), within=30)
    is_killed(server, "worker leisure")
    assert not making.is_running()
    assert merging.is_running()
    gate.opens()

    link = researcher.page.get_by_role("link", name="Download as MP4")
    expect(link).to_be_visible(timeout=MERGED)
    expect(researcher.page.locator("download-list [data-said]")).to_have_text(
        "The MP4 can be downloaded."
    )
    assert server.ask("SELECT attempts, state FROM renditions") == [(2, "done")]
    mp4 = downloads(researcher, "Download as MP4", tmp_path)
    assert mp4.name == "To take away — Participant 1.mp4"
    boxes = top_boxes(mp4)
    assert boxes.index("moov") < boxes.index("mdat")
    with av.open(str(as_it_is)) as container:
        seconds = container.duration / av.time_base
    with av.open(str(mp4)) as container:
        media = [stream for stream in container.streams if stream.type in ("video", "audio")]
        assert [stream.codec_context.name for stream in media] == ["h264", "aac"]
        assert media[0].codec_context.pix_fmt == "yuv420p"
        assert container.duration / av.time_base == pytest.approx(seconds, abs=0.05)
        assert container.metadata["title"] == "To take away — Participant 1"
        assert len(container.chapters()) == 2
        pictures = sum(1 for _ in container.decode(video=0))
    with av.open(str(as_it_is)) as container:
        assert pictures == sum(1 for _ in container.decode(video=0))
    [left] = (server.data / "media").rglob("rendition-*")
    assert left.read_bytes() == mp4.read_bytes()

    # Offered at once the next time, and taken away again.
    opens(researcher, "To take away")
    expect(link).to_be_visible()
    researcher.presses("Remove the MP4 from the server")
    expect(researcher.page.get_by_role("button", name="Download as MP4")).to_be_visible()
    assert not left.exists()
