import { wallClock } from "../helpers/clock.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 */

const SOUND = ["audio/webm;codecs=opus", "audio/mp4;codecs=mp4a.40.2", "audio/mp4"]
const PICTURE = ["video/webm;codecs=vp8,opus", "video/webm;codecs=vp9,opus", "video/mp4"]
const TIMESLICE = 1_000
// Browsers stop delivering now and then without a word, for instance when a headset changes its
// sample rate. Pictures may pause for ten seconds in a healthy recording; sound never does.
const STALLED_AFTER = 8_000

/**
 * One run of the browser's recorder, from its start to its last byte.
 *
 * Events: `data` (detail: an ArrayBuffer), `broken` when it can't go on; `stop` still has to be
 * called then, since a broken recorder delivers what it has.
 */
export class PartRecorder extends EventTarget {
  #recorder
  #startedAt = 0
  #lastDataAt = 0
  #stoppedAt = 0
  /** @type {Promise<unknown>} */
  #delivered = Promise.resolve()
  #watch = new AbortController()
  /** @type {Promise<void>} */
  #stopped

  /**
   * @param {MediaStream} stream
   * @param {object} [seams]
   * @param {typeof globalThis.MediaRecorder} [seams.Recorder]
   * @param {Clock} [seams.clock]
   */
  constructor(stream, { Recorder = globalThis.MediaRecorder, clock = wallClock } = {}) {
    super()
    this.clock = clock
    this.hasCamera = stream.getVideoTracks().length > 0
    const wanted = this.hasCamera ? PICTURE : SOUND
    const mimeType = wanted.find((type) => Recorder.isTypeSupported(type))
    this.#recorder = new Recorder(stream, {
      ...(mimeType && { mimeType }),
      audioBitsPerSecond: 64_000,
      ...(this.hasCamera && { videoBitsPerSecond: 1_000_000, videoKeyFrameIntervalDuration: 2_000 }),
    })
    this.#stopped = new Promise((resolve) => {
      this.#recorder.addEventListener("stop", () => resolve())
    })
    this.#recorder.addEventListener("dataavailable", ({ data }) => this.#deliver(data))
    this.#recorder.addEventListener("error", () => this.#break())
    this.#recorder.addEventListener("stop", () => this.#break())
  }

  /** Complete only once the recorder runs. */
  get mimeType() {
    return this.#recorder.mimeType || (this.hasCamera ? "video/webm" : "audio/webm")
  }

  /** Milliseconds on the part's own clock, which begins with its recorder and ends with it. */
  get ms() {
    if (this.#startedAt === 0) return 0
    return Math.max(0, Math.round((this.#stoppedAt || this.clock.now()) - this.#startedAt))
  }

  get startedAt() {
    return new Date(this.#startedAt).toISOString()
  }

  /** Resolves when the recorder runs. */
  async start() {
    const running = new Promise((resolve, reject) => {
      this.#recorder.addEventListener("start", resolve, { once: true })
      this.#recorder.addEventListener("error", () => reject(new Error("The recorder did not start.")), { once: true })
    })
    this.#recorder.start(TIMESLICE)
    await running
    this.#startedAt = this.#lastDataAt = this.clock.now()
    this.#watchForStall()
  }

  /** Ask for what has been recorded since the last chunk, for instance before the page is hidden. */
  flush() {
    if (this.#recorder.state === "recording") this.#recorder.requestData()
  }

  /** Resolves when the last byte has been delivered. */
  async stop() {
    this.#watch.abort()
    this.#stoppedAt ||= this.clock.now()
    if (this.#recorder.state !== "inactive") this.#recorder.stop()
    // A recorder whose device vanished may never say that it has stopped.
    const enough = new AbortController()
    await Promise.race([this.#stopped, this.clock.sleep(3_000, enough.signal)])
    enough.abort()
    await this.#delivered
  }

  /** @param {Blob} data */
  #deliver(data) {
    if (data.size === 0) return
    this.#lastDataAt = this.clock.now()
    this.#delivered = this.#delivered
      .then(() => data.arrayBuffer())
      .then((detail) => this.dispatchEvent(new CustomEvent("data", { detail })))
      .catch((cause) => console.error(cause))
  }

  #break() {
    const wasAsked = this.#watch.signal.aborted
    this.#watch.abort()
    this.#stoppedAt ||= this.clock.now()
    if (!wasAsked) this.dispatchEvent(new Event("broken"))
  }

  async #watchForStall() {
    const { signal } = this.#watch
    while (!signal.aborted) {
      await this.clock.sleep(2_000, signal)
      if (signal.aborted) return
      const silence = this.clock.now() - this.#lastDataAt
      if (silence > STALLED_AFTER + 4_000) return this.#break()
      if (silence > STALLED_AFTER) this.flush()
    }
  }
}
