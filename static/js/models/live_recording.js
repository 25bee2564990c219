import { wallClock } from "../helpers/clock.js"
import { newName } from "../helpers/new_name.js"
import { PartRecorder } from "./part_recorder.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 * @import { Journal } from "./journal.js"
 * @import { PartUpload } from "./part_upload.js"
 * @import { Uplink } from "./uplink.js"
 *
 * @typedef {"finished" | "drop" | "reload" | "device_change" | "camera_switch" | "recorder_error"} EndReason
 *
 * A moment of a part, on its recorder's clock.
 * @typedef {{ part: string, ms: number }} Moment
 */

const RESTARTS = [0, 1_000, 2_000, 5_000, 10_000]

/**
 * The participant's recording as it grows: part after part, each one run of the recorder, from
 * there into the journal, from there up the line.
 *
 * Events: `kept` when a chunk is in the journal, `lost` when the microphone is gone, `camera-lost`.
 */
export class LiveRecording extends EventTarget {
  /** @type {PartRecorder | null} */
  #recorder = null
  /** @type {PartUpload | null} */
  #upload = null
  /** @type {MediaStream | null} */
  #stream = null
  /** @type {Moment | null} */
  #ended = null
  /** @type {string | null} */
  #key = null
  /** @type {{ bytes: number, ms: number }[]} */
  #marks = []
  #safe = 0
  #safeBefore = 0
  #restarts = 0
  #earlier = 0
  /** @type {Promise<unknown>} */
  #kept = Promise.resolve()
  /** @type {Promise<unknown>} */
  #line = Promise.resolve()

  /**
   * @param {object} seams
   * @param {Journal} seams.journal
   * @param {Uplink} seams.uplink
   * @param {string} seams.interview
   * @param {"desktop" | "phone"} seams.device
   * @param {{ recorded: number, safe: number }} [seams.earlier] milliseconds before this page
   * @param {typeof globalThis.MediaRecorder} [seams.Recorder]
   * @param {Clock} [seams.clock]
   */
  constructor({ journal, uplink, interview, device, earlier, Recorder, clock = wallClock }) {
    super()
    this.journal = journal
    this.uplink = uplink
    this.interview = interview
    this.device = device
    this.Recorder = Recorder
    this.clock = clock
    this.#earlier = earlier?.recorded ?? 0
    this.#safeBefore = earlier?.safe ?? 0
    uplink.addEventListener("progress", () => this.#noteSafe())
  }

  get isRunning() {
    return this.#recorder !== null
  }

  /** The number that the server gave to the part that is being recorded. */
  get number() {
    return this.#upload?.number ?? null
  }

  /** Resolves when the server knows of the part that is being recorded. */
  get announced() {
    return this.#upload?.created ?? Promise.resolve()
  }

  /**
   * The part that is being recorded, on its recorder's clock.
   *
   * @returns {{ key: string, ms: number } | null}
   */
  get running() {
    return this.#recorder && this.#key ? { key: this.#key, ms: this.#recorder.ms } : null
  }

  /**
   * Now, on the clock of the part that is being recorded, or else of the last one.
   *
   * @type {Moment | null}
   */
  get moment() {
    return this.#recorder && this.#key ? { part: this.#key, ms: this.#recorder.ms } : this.#ended
  }

  /** Milliseconds recorded in all parts together. */
  get elapsed() {
    return this.#earlier + (this.#recorder?.ms ?? 0)
  }

  /** Milliseconds of the part that the server holds durably. */
  get safe() {
    return this.#safe
  }

  /** Milliseconds of all parts together up to which everything is on the server. */
  get safeInAll() {
    const olderWaiting = this.uplink.waiting - (this.#upload?.waiting ?? 0)
    return olderWaiting > 0 ? this.#safeBefore : this.#earlier + this.#safe
  }

  /** @param {MediaStream} stream */
  start(stream) {
    this.#stream = stream
    return this.#inLine(() => this.#start(stream))
  }

  /**
   * End the part. Resolves when its last byte is in the journal.
   *
   * @param {EndReason} reason
   */
  end(reason) {
    this.#stream = null
    return this.#inLine(() => this.#end(reason))
  }

  flush() {
    this.#recorder?.flush()
  }

  /** @param {MediaStream} stream */
  async #start(stream) {
    if (this.#recorder) return
    const recorder = new PartRecorder(stream, { Recorder: this.Recorder, clock: this.clock })
    const key = newName()
    recorder.addEventListener("data", (event) => {
      const { detail } = /** @type {CustomEvent<ArrayBuffer>} */ (event)
      const { ms } = recorder
      this.#kept = this.#kept.then(() => this.#keep(key, detail, ms)).catch((cause) => console.error(cause))
    })
    recorder.addEventListener("broken", () => this.#mend(recorder))
    this.#watch(stream, recorder)
    await recorder.start()
    const { interview, device } = this
    const { mimeType, hasCamera: camera, startedAt } = recorder
    await this.journal.begin({ key, interview, mimeType, camera, device, startedAt })
    this.#recorder = recorder
    this.#key = key
    this.#marks = []
    this.#safe = 0
    this.#upload = this.uplink.add(key)
  }

  /** @param {EndReason} reason */
  async #end(reason) {
    const recorder = this.#recorder
    const key = this.#key
    if (!recorder || !key) return
    await recorder.stop()
    await this.#kept
    this.#ended = { part: key, ms: recorder.ms }
    this.#safeBefore = this.safeInAll
    this.#earlier += recorder.ms
    this.#safe = 0
    this.#recorder = null
    this.#key = null
    await this.journal.end(key, reason, { endedAt: new Date(this.clock.now()).toISOString(), ms: recorder.ms })
    this.uplink.more(key)
  }

  /**
   * @param {string} key
   * @param {ArrayBuffer} data
   * @param {number} ms
   */
  async #keep(key, data, ms) {
    const bytes = await this.journal.add(key, data, ms)
    if (key === this.#key) this.#marks.push({ bytes, ms })
    this.uplink.more(key)
    this.dispatchEvent(new Event("kept"))
  }

  /** @param {PartRecorder} recorder */
  async #mend(recorder) {
    if (recorder !== this.#recorder) return
    const hasSound = this.#stream?.getAudioTracks().some((track) => track.readyState === "live")
    if (recorder.ms > 30_000) this.#restarts = 0
    await this.#inLine(() => this.#end(hasSound ? "recorder_error" : "device_change"))
    if (!hasSound) {
      this.dispatchEvent(new Event("lost"))
      return
    }
    await this.clock.sleep(RESTARTS[Math.min(this.#restarts++, RESTARTS.length - 1)])
    if (this.#stream) await this.start(this.#stream)
  }

  /**
   * A recorder runs on without a device that was unplugged.
   *
   * @param {MediaStream} stream
   * @param {PartRecorder} recorder
   */
  #watch(stream, recorder) {
    for (const track of stream.getAudioTracks()) {
      track.addEventListener("ended", () => this.#mend(recorder))
    }
    for (const track of stream.getVideoTracks()) {
      track.addEventListener("ended", () => {
        if (recorder === this.#recorder) this.dispatchEvent(new Event("camera-lost"))
      })
    }
  }

  #noteSafe() {
    if (!this.#key || !this.journal.has(this.#key)) return
    const { offset } = this.journal.part(this.#key)
    while (this.#marks.length > 0 && this.#marks[0].bytes <= offset) {
      this.#safe = this.#marks.shift()?.ms ?? this.#safe
    }
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  #inLine(work) {
    const done = this.#line.then(work)
    this.#line = done.catch(() => undefined)
    return done
  }
}
