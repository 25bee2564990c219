"""A participant's microphone, camera and recorder, which do what such things do in the field.

Real ones of a real Chromium: what they give passes through a gate of the test's.
"""

from __future__ import annotations

from typing import Any

from tests.e2e.actors import Participant

SCRIPT = """
(() => {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
  const Recorder = window.MediaRecorder
  const broken = (window.broken = { refusal: null, types: [], made: [], gates: [] })

  // What a device gives goes on only while its gate is open.
  const gated = (track) => {
    const out = new MediaStreamTrackGenerator({ kind: track.kind })
    const into = out.writable.getWriter()
    const from = new MediaStreamTrackProcessor({ track }).readable.getReader()
    const gate = { kind: track.kind, source: track, track: out, isOpen: true, isMuted: false }
    const stop = out.stop.bind(out)
    Object.defineProperty(out, "label", { get: () => `${track.label} ${broken.gates.length}` })
    Object.defineProperty(out, "muted", { get: () => gate.isMuted })
    out.getSettings = () => track.getSettings()
    out.stop = () => {
      stop()
      track.stop()
    }
    broken.gates.push(gate)
    ;(async () => {
      for (;;) {
        const { value, done } = await from.read()
        if (done) return
        if (gate.isOpen) await into.write(value).catch(() => undefined)
        else value.close()
      }
    })()
    return out
  }

  const silent = () => {
    const context = new AudioContext()
    const out = context.createMediaStreamDestination()
    const source = new ConstantSourceNode(context, { offset: 0 })
    source.connect(out)
    source.start()
    return out.stream
  }

  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (broken.refusal) throw new DOMException("no", broken.refusal)
    const stream = broken.isSilent && wanted.audio ? silent() : await ask(wanted)
    return new MediaStream(stream.getTracks().map(gated))
  }

  // A recorder that says that it records and gives no bytes, as WebKitGTK 2.50 has one for MP4.
  class Mute extends EventTarget {
    state = "inactive"
    constructor(stream, { mimeType }) {
      super()
      this.mimeType = mimeType
    }
    start(every) {
      this.state = "recording"
      this.beat = setInterval(() => this.requestData(), every)
      setTimeout(() => this.dispatchEvent(new Event("start")))
    }
    requestData() {
      this.dispatchEvent(new BlobEvent("dataavailable", { data: new Blob([]) }))
    }
    stop() {
      this.state = "inactive"
      clearInterval(this.beat)
      setTimeout(() => this.dispatchEvent(new Event("stop")))
    }
  }

  window.MediaRecorder = function (stream, how) {
    const isMute = broken.types.some((type) => how.mimeType?.startsWith(type))
    const made = isMute ? new Mute(stream, how) : new Recorder(stream, how)
    broken.made.push({ recorder: made, type: how.mimeType, at: Date.now() })
    return made
  }
  window.MediaRecorder.isTypeSupported = (type) => Recorder.isTypeSupported(type)

  // The timers of a page that has been hidden for minutes come once a minute.
  const setTimer = window.setTimeout
  window.setTimeout = (work, ms, ...rest) =>
    setTimer(work, broken.isHidden ? Math.max(ms, 60_000) : ms, ...rest)
})()
"""


class BrokenDevices:
    """What may go wrong in front of a participant."""

    def __init__(self, participant: Participant) -> None:
        self.page = participant.page
        self.page.add_init_script(SCRIPT)

    def has_a_recorder_without_bytes(self, *types: str) -> None:
        """For types that begin so."""
        self.page.add_init_script(f"window.broken.types = {list(types)!r}")

    def hears_only_silence(self) -> None:
        self.page.add_init_script("window.broken.isSilent = true")

    def refuses(self, error: str | None) -> None:
        self._do("(error) => { broken.refusal = error }", error)

    def unplugs(self, kind: str) -> None:
        self._do(
            """(kind) => {
              const { source, track } = broken.gates.findLast((gate) => gate.kind === kind)
              source.stop()
              track.stop()
              track.dispatchEvent(new Event("ended"))
            }""",
            kind,
        )

    def plugs_in(self) -> None:
        self._do("() => navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")

    def mutes(self, kind: str, muted: bool = True) -> None:
        """As systems do: the track says so, and delivers nothing."""
        self._do(
            """([kind, muted]) => {
              const gate = broken.gates.findLast((other) => other.kind === kind)
              gate.isOpen = !muted
              gate.isMuted = muted
              gate.track.dispatchEvent(new Event(muted ? "mute" : "unmute"))
            }""",
            [kind, muted],
        )

    def dries_up(self, kind: str) -> None:
        """It delivers nothing any more and says nothing about it."""
        self._do(
            "(kind) => { broken.gates.findLast((gate) => gate.kind === kind).isOpen = false }", kind
        )

    def breaks_the_recorder(self) -> None:
        self._do(
            """() => {
              const { recorder } = broken.made.at(-1)
              recorder.dispatchEvent(new Event("error"))
              recorder.stop()
            }"""
        )

    def hides_the_page(self) -> None:
        self._do("() => { broken.isHidden = true }")

    @property
    def tried(self) -> list[dict[str, Any]]:
        """The recorders that were made: their types, and when."""
        made: list[dict[str, Any]] = self.page.evaluate(
            "() => broken.made.map(({ type, at }) => ({ type, at }))"
        )
        return made

    def waits_for_recorder(self, number: int) -> None:
        self.page.wait_for_function("(number) => broken.made.length >= number", arg=number)

    def _do(self, script: str, argument: Any = None) -> None:
        self.page.evaluate(script, argument)
