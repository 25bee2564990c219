import { wallClock } from "../helpers/clock.js"
import { newName } from "../helpers/new_name.js"
import { PartRecorder } from "./part_recorder.js"
import { PictureRate } from "./picture_rate.js"
import { RecordingTypes } from "./recording_types.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 * @import { Journal } from "./journal.js"
 * @import { MixingDesk } from "./mixing_desk.js"
 * @import { Piece } from "./part_recorder.js"
 * @import { PartUpload } from "./part_upload.js"
 * @import { Kind } from "./recording_types.js"
 * @import { Uplink } from "./uplink.js"
 *
 * @typedef {"finished" | "drop" | "reload" | "device_change" | "camera_switch" | "slow_line" | "pause" | "recorder_error"} EndReason
 *
 * A moment of a part, on its recorder's clock.
 * @typedef {{ part: string, ms: number }} Moment
 *
 * How a part came to an end that nobody asked for.
 * @typedef {{ hasStalled: boolean, ms: number }} Break
 */

/** Nothing was recorded, and it is worth another attempt. */
export class Stalled extends Error {}

/**
 * The participant's recording as it grows: part after part, each one run of the recorder, from
 * there into the journal, from there up the line.
 *
 * Events: `kept` when a chunk is in the journal, `broken` (detail: a `Break`) when a part ended
 * that nobody ended; caretaker.js then sees to the next one.
 */
export class LiveRecording extends EventTarget {
  /** @type {MixingDesk | null} */
  #desk = null
  /** @type {PartRecorder | null} */
  #recorder = null
  /** @type {PartUpload | null} */
  #upload = null
  /** @type {MediaStream | null} */
  #stream = null
  #wish = new AbortController()
  /** @type {Moment | null} */
  #ended = null
  /** Of the part that is being recorded, from its first byte on. @type {string | null} */
  #key = null
  /** @type {{ bytes: number, ms: number }[]} */
  #marks = []
  #safe = 0
  #safeBefore = 0
  #earlier = 0
  #idleSince = 0
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
   * @param {() => boolean} [seams.isConnected]
   * @param {Clock} [seams.clock]
   */
  constructor({ journal, uplink, interview, device, earlier, Recorder, isConnected = () => true, clock = wallClock }) {
    super()
    this.journal = journal
    this.uplink = uplink
    this.interview = interview
    this.device = device
    this.Recorder = Recorder
    this.isConnected = isConnected
    this.clock = clock
    this.types = new RecordingTypes({ Recorder, ...(device === "phone" && { isWeak: true }) })
    this.rate = new PictureRate()
    this.#earlier = earlier?.recorded ?? 0
    this.#safeBefore = earlier?.safe ?? 0
    uplink.addEventListener("progress", () => this.#noteSafe())
  }

  /** Mixes the moderator's voice into what is recorded. @param {MixingDesk} desk */
  set desk(desk) {
    this.#desk = desk
    desk.addEventListener("failed", () => this.#recorder?.isMixed && this.#break(this.#recorder))
  }

  /** Whether bytes of a part have come and its end has not. */
  get isRunning() {
    return this.#recorder !== null && this.#key !== null
  }

  /** Whether there should be a recording, be there one or not. */
  get isWanted() {
    return this.#stream !== null
  }

  /** For how many milliseconds there should be a recording and is none. */
  get idleFor() {
    return this.isWanted && !this.isRunning ? this.clock.now() - this.#idleSince : 0
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
    return this.running ? { part: this.running.key, ms: this.running.ms } : this.#ended
  }

  /** Milliseconds recorded in all parts together. */
  get elapsed() {
    return this.#earlier + (this.running?.ms ?? 0)
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

  /**
   * Resolves when a part is being recorded, or when `end` was called meanwhile. Throws `Stalled`,
   * or `CannotRecord` as of recording_types.js.
   *
   * @param {MediaStream} stream
   */
  start(stream) {
    if (!this.isWanted) this.#idleSince = this.clock.now()
    this.#stream = stream
    if (this.#wish.signal.aborted) this.#wish = new AbortController()
    const { signal } = this.#wish
    return this.#inLine(() => this.#start(stream, signal))
  }

  /**
   * End the part. Resolves when its last byte is in the journal.
   *
   * @param {EndReason} reason
   */
  end(reason) {
    this.#stream = null
    this.#wish.abort()
    return this.#inLine(() => this.#end(reason))
  }

  /**
   * End the part because another one is to follow at once.
   *
   * @param {EndReason} reason
   */
  cut(reason) {
    return this.#inLine(() => this.#end(reason))
  }

  /** Somebody waits for what was just said. */
  flush() {
    this.#recorder?.flush()
    this.#upload?.flush()
  }

  /**
   * Try the types until one of them delivers.
   *
   * @param {MediaStream} stream
   * @param {AbortSignal} signal
   */
  async #start(stream, signal) {
    const kind = stream.getVideoTracks().length > 0 ? "picture" : "sound"
    while (!this.#recorder && !signal.aborted) {
      const type = this.types.best(kind)
      try {
        await this.#run(stream, type, signal)
      } catch (cause) {
        if (signal.aborted) return
        console.warn(cause)
        const failed = /** @type {PartRecorder | null} */ (this.#recorder)
        const isWell = failed?.isWell ?? true
        await this.#end("recorder_error")
        if (failed?.isMixed) {
          // Plainly the same type may well work.
          this.#desk?.giveUp()
          continue
        }
        if (isWell) this.types.doubt(type)
        // It may be the devices, which somebody else has to see to.
        if (!isWell || this.types.isWorthAnother(type)) throw new Stalled()
      }
    }
  }

  /**
   * @param {MediaStream} stream
   * @param {string} type
   * @param {AbortSignal} signal
   */
  async #run(stream, type, signal) {
    this.rate.restart()
    const { Recorder, clock } = this
    const mixed = (await this.#desk?.mix(stream)) ?? null
    if (signal.aborted) return
    const recorder = new PartRecorder(stream, { type, bits: this.rate.bits, mixed, Recorder, clock })
    recorder.addEventListener("data", (event) => this.#take(recorder, /** @type {CustomEvent<Piece>} */ (event).detail))
    recorder.addEventListener("broken", () => this.#break(recorder))
    this.#recorder = recorder
    await recorder.start(signal)
    await this.#kept
  }

  /**
   * @param {PartRecorder} recorder
   * @param {Piece} piece
   */
  #take(recorder, { bytes, ms }) {
    if (recorder !== this.#recorder) return
    if (recorder.isProven) this.types.prove(recorder.type)
    const key = (this.#key ??= this.#begin(recorder))
    this.#kept = this.#kept.then(() => this.#keep(key, bytes, ms)).catch((cause) => console.error(cause))
    const line = { at: this.clock.now(), waiting: this.uplink.waiting, isThere: this.isConnected() }
    if (recorder.hasCamera) this.rate.note(bytes.byteLength, line)
  }

  /**
   * A recorder that never gives a byte leaves no part behind.
   *
   * @param {PartRecorder} recorder
   */
  #begin(recorder) {
    const key = newName()
    const { interview, device } = this
    const { mimeType, hasCamera: camera, startedAt } = recorder
    this.#marks = []
    this.#safe = 0
    this.#kept = this.#kept
      .then(() => this.journal.begin({ key, interview, mimeType, camera, device, startedAt }))
      .then(() => {
        this.#upload = this.uplink.add(key)
      })
    return key
  }

  /** @param {EndReason} reason */
  async #end(reason) {
    const recorder = this.#recorder
    if (!recorder) return
    const isWhole = await recorder.stop()
    if (recorder.isMixed) this.#desk?.release()
    await this.#kept
    const key = this.#key
    this.#safeBefore = this.safeInAll
    this.#earlier = this.elapsed
    this.#recorder = this.#upload = this.#key = null
    this.#safe = 0
    if (key === null) return
    this.#ended = { part: key, ms: recorder.ms }
    this.#idleSince = this.clock.now()
    await this.journal.end(key, isWhole ? reason : "recorder_error", { endedAt: new Date(this.clock.now()).toISOString(), ms: recorder.ms })
    this.uplink.more(key)
  }

  /**
   * @param {string} key
   * @param {ArrayBuffer} bytes
   * @param {number} ms
   */
  async #keep(key, bytes, ms) {
    const size = await this.journal.add(key, bytes, ms)
    if (key === this.#key) this.#marks.push({ bytes: size, ms })
    this.uplink.more(key)
    this.dispatchEvent(new Event("kept"))
  }

  /** @param {PartRecorder} recorder */
  async #break(recorder) {
    const { type, isProven, isWell, isMixed, ms, reason } = recorder
    // Neither the type nor the microphone is to blame for a mix that broke.
    const hasStalled = recorder.hasStalled && !isMixed
    if (isMixed) this.#desk?.giveUp()
    else if (isWell && !isProven) this.types.doubt(type)
    await this.#inLine(async () => {
      if (recorder !== this.#recorder) return
      await this.#end(reason)
      if (this.isWanted) this.dispatchEvent(new CustomEvent("broken", { detail: { hasStalled, ms } }))
    })
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
   * @param {() => T | Promise<T>} work
   * @returns {Promise<T>}
   */
  #inLine(work) {
    const done = this.#line.then(work)
    this.#line = done.catch(() => undefined)
    return done
  }
}
