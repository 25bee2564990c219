import { wallClock } from "../helpers/clock.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 *
 * @typedef {object} Piece
 * @property {ArrayBuffer} bytes
 * @property {number} ms the part's clock at their end
 */

const TIMESLICE = 1_000
// How often it is looked whether bytes come. What is longer than two looks was slept through, by
// the timers of a hidden page or by the whole machine, and says nothing about the recorder.
const LOOK = 500
const FIRST_WITHIN = 4_000
// Browsers stop delivering now and then without a word, for instance when a headset changes its
// sample rate, and some hand over what they hold only when they are asked.
const ASK_AFTER = 2_000
const STALLED_AFTER = 5_500
// Chrome writes nothing at all while one of several tracks delivers nothing.
const STALLED_WHEN_MUTED = 3_500
const STOPS_WITHIN = 5_000
const ASLEEP_AFTER = 20_000
// Bytes that come later than this show that a type works, and not only its first words.
const PROVEN_AFTER = 2_000

/**
 * One run of the browser's recorder, from its start to its last byte.
 *
 * Events: `data` (detail: a `Piece`), `broken` when it can't go on; `stop` still has to be called
 * then, since a broken recorder delivers what it has.
 */
export class PartRecorder extends EventTarget {
  /** Whether it broke by delivering nothing, and not by saying so. */
  hasStalled = false
  /** Whether it delivered for long enough to say that its type works. */
  isProven = false
  #recorder
  #tracks
  #startedAt = 0
  #stoppedAt = 0
  #lastByteAt = 0
  #asleep = 0
  /** Since the last byte, without what was slept through. */
  #waited = 0
  #hasBegun = false
  /** Since the last byte, at each look. */
  #wasWell = true
  #begin = () => {}
  #fail = () => {}
  /** @type {Promise<unknown>} */
  #delivered = Promise.resolve()
  #watch = new AbortController()
  /** @type {Promise<void>} */
  #stopped

  /**
   * @param {MediaStream} stream
   * @param {object} [how]
   * @param {string} [how.type] empty when the browser may choose
   * @param {number} [how.bits] for the picture
   * @param {MediaStream | null} [how.mixed] what is recorded in the stream's place; the stream's own
   *   tracks say whether the devices deliver
   * @param {typeof globalThis.MediaRecorder} [how.Recorder]
   * @param {Clock} [how.clock]
   */
  constructor(stream, { type = "", bits = 1_000_000, mixed = null, Recorder = globalThis.MediaRecorder, clock = wallClock } = {}) {
    super()
    this.clock = clock
    this.type = type
    this.hasCamera = stream.getVideoTracks().length > 0
    this.isMixed = mixed !== null
    this.#tracks = stream.getTracks()
    // Chrome writes a piece of an MP4 at each full picture, so there have to be enough of them.
    const videoKeyFrameIntervalDuration = type.includes("mp4") ? TIMESLICE : 2 * TIMESLICE
    this.#recorder = new Recorder(mixed ?? stream, {
      ...(type && { mimeType: type }),
      audioBitsPerSecond: 64_000,
      ...(this.hasCamera && { videoBitsPerSecond: bits, videoKeyFrameIntervalDuration }),
    })
    this.#stopped = new Promise((resolve) => {
      this.#recorder.addEventListener("stop", () => resolve())
    })
    // Asked at once it shows that it works before anybody relies on it.
    this.#recorder.addEventListener("start", () => this.flush())
    this.#recorder.addEventListener("dataavailable", ({ data }) => this.#deliver(data))
    this.#recorder.addEventListener("error", () => this.#break())
    this.#recorder.addEventListener("stop", () => this.#break())
  }

  /** Complete only once the recorder runs. */
  get mimeType() {
    return this.#recorder.mimeType || this.type || (this.hasCamera ? "video/webm" : "audio/webm")
  }

  /**
   * Milliseconds on the part's own clock, which begins with its recorder, ends with it and stands
   * still while the machine sleeps.
   */
  get ms() {
    if (this.#startedAt === 0) return 0
    const now = Math.min(this.#stoppedAt || this.clock.now(), this.#lastByteAt + ASLEEP_AFTER)
    return Math.max(0, Math.round(now - this.#startedAt - this.#asleep))
  }

  get startedAt() {
    return new Date(this.#startedAt).toISOString()
  }

  /**
   * Resolves with the first byte: Chrome's recorder says that it has started only then, and others
   * say so and never deliver any. Rejects when none comes, or when `signal` ends the wait.
   *
   * @param {AbortSignal} [signal]
   */
  async start(signal) {
    const begun = new Promise((resolve, reject) => {
      this.#begin = () => resolve(undefined)
      this.#fail = () => reject(new Error(`The recorder gave no byte of ${this.type || "anything"}.`))
    })
    signal?.addEventListener("abort", this.#fail)
    this.#recorder.start(TIMESLICE)
    // The first sample is of this moment, whenever the recorder says that it has started.
    this.#startedAt = this.#lastByteAt = this.clock.now()
    this.#watchForStall()
    await begun
    this.#hasBegun = true
  }

  /** Whether its devices delivered, as far as they say: it is not to blame when they did not. */
  get isWell() {
    return this.#wasWell && this.#doTracksDeliver
  }

  /** Why it broke. */
  get reason() {
    const { microphone, camera } = this.#tracksByKind
    if (microphone?.readyState === "ended") return "device_change"
    return camera?.readyState === "ended" || camera?.muted ? "camera_switch" : "recorder_error"
  }

  /** Ask for what has been recorded since the last chunk, for instance before the page is hidden. */
  flush() {
    if (this.#recorder.state === "recording") this.#recorder.requestData()
  }

  /**
   * Resolves when the last byte has been delivered. Answers whether it was: what comes too late is
   * not waited for.
   */
  async stop() {
    this.#watch.abort()
    if (this.#startedAt === 0) return true
    this.#stoppedAt ||= this.clock.now()
    if (this.#recorder.state !== "inactive") this.#recorder.stop()
    // A recorder whose device vanished may never say that it has stopped.
    const enough = new AbortController()
    const inTime = this.#stopped.then(() => true)
    const tooLate = this.clock.sleep(STOPS_WITHIN, enough.signal).then(() => false)
    const hasStopped = await Promise.race([inTime, tooLate])
    enough.abort()
    await this.#delivered
    return hasStopped
  }

  /** @param {Blob} data */
  #deliver(data) {
    if (data.size === 0) return
    this.#hear()
    const { ms } = this
    this.#delivered = this.#delivered
      .then(() => data.arrayBuffer())
      .catch((cause) => this.#lose(data.size, cause))
      .then((bytes) => {
        this.dispatchEvent(new CustomEvent("data", { detail: { bytes, ms } }))
        this.#begin()
      })
  }

  #hear() {
    const now = this.clock.now()
    const pause = now - this.#lastByteAt
    if (pause > ASLEEP_AFTER) this.#asleep += pause - TIMESLICE
    this.#lastByteAt = now
    this.#waited = 0
    this.#wasWell = true
    // What a recorder gives away only when it is stopped is no proof.
    if (!this.#watch.signal.aborted && this.ms > PROVEN_AFTER) this.isProven = true
  }

  /**
   * A chunk that the browser can't read back leaves a hole as long as it was: what comes after a
   * hole can be played, what has shifted can not.
   *
   * @param {number} size
   * @param {unknown} cause
   */
  #lose(size, cause) {
    console.error(cause)
    this.#break()
    return new ArrayBuffer(size)
  }

  #break() {
    const wasAsked = this.#watch.signal.aborted
    this.#watch.abort()
    this.#stoppedAt ||= this.clock.now()
    this.#fail()
    if (!wasAsked && this.#hasBegun) this.dispatchEvent(new Event("broken"))
  }

  async #watchForStall() {
    const { signal } = this.#watch
    let lookedAt = this.clock.now()
    for (;;) {
      await this.clock.sleep(LOOK, signal)
      if (signal.aborted) return
      const now = this.clock.now()
      this.#waited += Math.min(now - lookedAt, 2 * LOOK)
      lookedAt = now
      this.#wasWell &&= this.#doTracksDeliver
      if (this.#waited >= this.#patience) break
      if (this.#waited >= ASK_AFTER) this.flush()
    }
    this.hasStalled = true
    this.#break()
  }

  get #doTracksDeliver() {
    return this.#tracks.every((track) => track.readyState === "live" && !track.muted)
  }

  get #tracksByKind() {
    const find = (/** @type {string} */ kind) => this.#tracks.find((track) => track.kind === kind)
    return { microphone: find("audio"), camera: find("video") }
  }

  get #patience() {
    if (!this.#hasBegun) return FIRST_WITHIN
    return this.#tracks.some((track) => track.muted) ? STALLED_WHEN_MUTED : STALLED_AFTER
  }
}
