"""A witness in the page: what its recorder delivered, and when its room changed.

It hands over each byte as it is recorded, so it can still be asked when the browser is dead.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from contextlib import suppress
from typing import Any

from playwright.sync_api import BrowserContext, Error, Page

# Moments are by a clock that no test shifts, wherever that is possible.
SCRIPT = """
(() => {
  const now = performance.now.bind(performance)
  const { timeOrigin } = performance
  const tell = async (run, at, data) => {
    const bytes = new Uint8Array(await data.arrayBuffer())
    const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")
    await window.tellWitness(run, at, btoa(text)).catch(() => {})
  }
  window.toldWitness = Promise.resolve()
  const Recorder = window.MediaRecorder
  window.MediaRecorder = class extends Recorder {
    constructor(...given) {
      super(...given)
      const run = `${timeOrigin + now()} ${Math.random()}`
      let place = 0
      this.addEventListener("dataavailable", ({ data }) => {
        window.toldWitness = Promise.all([window.toldWitness, tell(run, place++, data)])
      })
    }
  }
  window.witnessed = []
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      if (target.localName !== "interview-room") continue
      window.witnessed.push({ state: target.dataset.state, at: (timeOrigin + now()) / 1000 })
    }
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-state"] })
})()
"""


class Witness:
    """Sees all pages of one browser."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self._runs: dict[str, dict[int, bytes]] = defaultdict(dict)
        context.expose_binding("tellWitness", self._hear)
        context.add_init_script(SCRIPT)

    def _hear(self, _source: Any, run: str, place: int, text: str) -> None:
        self._runs[run][place] = base64.b64decode(text)

    def hears_the_rest(self) -> None:
        """What a page tells is only taken in while the test asks something of the browser, so its
        last words may not be here yet when the server has them. A dead page tells no more."""
        for page in self._context.pages:
            with suppress(Error):
                page.evaluate("window.toldWitness?.then(() => {})")

    @property
    def runs(self) -> list[list[bytes]]:
        """The chunks of each run of a recorder that delivered any, the oldest run first."""
        self.hears_the_rest()
        runs = [[chunks[place] for place in sorted(chunks)] for chunks in self._runs.values()]
        return [run for run in runs if any(run)]

    def saw(self, page: Page, state: str, *, since: float, within: float) -> None:
        """Fails unless the room took on this state within so many seconds after a moment."""
        at: float = page.wait_for_function(
            """([state, since]) =>
              window.witnessed.find((seen) => seen.state === state && seen.at >= since)?.at""",
            arg=[state, since],
        ).json_value()
        assert at - since <= within, f"“{state}” only {at - since:.1f} s after it should have been"
