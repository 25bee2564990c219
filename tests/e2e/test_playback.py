"""Full Sessions of every kind play in a real browser: at once, at each join, to the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask, send_file
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from qualz.media.full_session import Source
from tests.media.conftest import (
    Workbench,
    bench,
    ffmpeg,
    judge,
    material,
    sample,
)

__all__ = ["bench", "ffmpeg", "judge", "material", "sample"]

PLAYS = """async ([kind, joins]) => {
  const media = document.createElement(kind)
  document.body.append(media)
  media.muted = true
  const until = (name) => new Promise((resolve, reject) => {
    media.addEventListener(name, resolve, { once: true })
    media.addEventListener("error", () => reject(new Error(media.error.message)), { once: true })
    if (media.error) reject(new Error(media.error.message))
  })
  media.src = "/file"
  await until("loadedmetadata")
  const told = { duration: media.duration, width: media.videoWidth ?? 0, places: [] }
  for (const join of joins) {
    media.currentTime = join
    await until("seeked")
    const from = media.currentTime
    media.playbackRate = 4
    await media.play()
    while (media.currentTime < from + 0.6 && !media.ended) await until("timeupdate")
    media.pause()
    told.places.push([join, from, media.currentTime])
  }
  media.currentTime = Math.max(0, media.duration - 0.5)
  await until("seeked")
  await media.play()
  if (!media.ended) await until("ended")
  told.end = media.currentTime
  return told
}"""


@dataclass
class Player:
    """A page that plays one file, sent in the pieces that it asks for."""

    page: Page
    app: Flask
    port: int

    def plays(self, path: Path, mime_type: str, joins: list[float]) -> dict:
        self.app.config["FILE"] = (path, mime_type)
        self.page.goto(f"http://127.0.0.1:{self.port}/")
        return self.page.evaluate(PLAYS, [mime_type.partition("/")[0], joins])


@pytest.fixture
def player(browser: Browser) -> Iterator[Player]:
    app = Flask(__name__)
    app.add_url_rule("/", "page", lambda: "<!doctype html><title>Player</title>")

    @app.get("/file")
    def file():
        path, mime_type = app.config["FILE"]
        return send_file(path, mimetype=mime_type, conditional=True, max_age=0)

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    page = browser.new_page()
    yield Player(page, app, server.port)
    page.close()
    server.shutdown()
    thread.join()


VP8, VP9, AVC = (f"chromium-{codec}-opus.webm" for codec in ("vp8", "vp9", "avc1"))
SETS = {
    "one browser, VP8": [VP8, VP8, VP8],
    "one browser, VP9": [VP9, VP9],
    "tracks in another order": [VP8, f"swapped {VP8}", VP8],
    "Firefox": ["firefox-vp8-opus.webm", "firefox-vp8-opus.webm"],
    "Firefox's sound alone": 2 * ["heard firefox-vp8-opus.webm"],
    "Firefox's sound in Ogg": ["firefox-opus.webm", "firefox-opus.webm"],
    "sound alone": ["chromium-opus.webm", "chromium-opus.webm"],
    "MP4": ["chromium-vp9-opus.mp4", "chromium-vp9-opus.mp4"],
    "H.264 in Matroska": [AVC, AVC],
    "two codecs and sound alone": [VP8, VP9, "chromium-opus.webm"],
    "a laptop and a phone": [VP8, "safari"],
    "torn and holed": [f"torn {VP8}", f"holed {VP8}", VP8],
}


@pytest.mark.parametrize("name", SETS)
def test_a_full_session_plays_and_seeks(
    name: str, player: Player, bench: Workbench, sample, material
):
    report = bench.merge(*(part(told, sample, material) for told in SETS[name]))
    joins = [told.start for told in report.parts if told.start is not None]
    told = player.plays(bench.out, report.mime_type, joins)
    assert told["duration"] == pytest.approx(report.duration, abs=0.3)
    assert bool(told["width"]) is report.mime_type.startswith("video")
    for join, landed, reached in told["places"]:
        assert landed == pytest.approx(join, abs=0.1)
        assert reached > landed + 0.3
    assert told["end"] == pytest.approx(told["duration"], abs=0.3)


def part(told: str, sample, material) -> Path | Source:
    how, _, name = told.rpartition(" ")
    if how == "heard":
        return Source(path=sample(name), label="Heard", gap_before=None, without_picture=True)
    if how == "swapped":
        return material.swapped(name)
    if how == "torn":
        return material.written(f"torn-{name}", sample(name).read_bytes()[:-2000])
    if how == "holed":
        data = bytearray(sample(name).read_bytes())
        half = len(data) // 2
        data[half : half + 20_000] = bytes(20_000)
        return material.written(f"holed-{name}", bytes(data))
    return material.like_safari() if name == "safari" else sample(name)
