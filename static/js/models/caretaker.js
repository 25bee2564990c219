import { wallClock } from "../helpers/clock.js"
import { CannotRecord } from "./recording_types.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 * @import { Devices } from "./devices.js"
 * @import { Break, EndReason, LiveRecording } from "./live_recording.js"
 *
 * What has happened: a word for the page to put into a sentence.
 * @typedef {"restarted" | "microphone_changed" | "camera_lost" | "camera_resting" | "camera_refused" | "picture_dropped"} Notice
 *
 * What is the matter, for as long as it is.
 * @typedef {"muted" | "not_recording"} Trouble
 */

const PAUSES = [0, 500, 2_000, 5_000, 10_000]
// A part that lasted so long was no failure.
const LASTED = 30_000
const MUTED_FOR = 3_000
const IDLE_FOR = 2_500
const RESTS = 5

/**
 * Looks after the recording: sees what the devices and the recorder do, and starts the next part
 * when one ended that should not have. The voice comes first; a picture that costs it is given up.
 *
 * Events: `notice` (detail: a `Notice`), `devices` when others are open now, `lost` (detail: why)
 * when there is no microphone, `unrecordable` when this browser can't record at all.
 */
export class Caretaker extends EventTarget {
  #failures = 0
  #rests = 0
  #isRepairing = false
  #isMicrophoneSuspect = false
  /** What to say once it is recorded again. @type {Notice | null} */
  #news = null
  #hurry = new AbortController()

  /**
   * @param {object} seams
   * @param {Devices} seams.devices
   * @param {LiveRecording} seams.recording
   * @param {Clock} [seams.clock]
   */
  constructor({ devices, recording, clock = wallClock }) {
    super()
    this.devices = devices
    this.recording = recording
    this.clock = clock
    recording.addEventListener("broken", (event) => this.#takeUp(/** @type {CustomEvent<Break>} */ (event).detail))
    recording.addEventListener("kept", () => this.#spareTheLine())
    devices.addEventListener("microphone-ended", () => this.#change("device_change"))
    devices.addEventListener("microphone-unmuted", () => this.#hurry.abort())
    devices.addEventListener("camera-ended", () => this.#giveUpCamera())
    devices.addEventListener("camera-unmuted", () => this.#wakeCamera())
  }

  /** @type {Trouble | null} */
  get trouble() {
    if (!this.recording.isWanted) return null
    if (this.devices.mutedFor >= MUTED_FOR) return "muted"
    return this.recording.idleFor >= IDLE_FOR ? "not_recording" : null
  }

  /**
   * Record what the devices give. Resolves when it is recorded, or when that is being seen to.
   * Throws `CannotRecord` when this browser never will.
   */
  async start() {
    this.#failures = 0
    try {
      await this.#record()
    } catch (cause) {
      if (isHopeless(cause)) {
        await this.recording.end("recorder_error")
        throw cause
      }
      this.#repair()
    }
  }

  async #record() {
    try {
      await this.recording.start(this.devices.stream)
    } catch (cause) {
      if (!(cause instanceof CannotRecord) || cause.kind !== "picture") throw cause
      this.#closeCamera()
      this.#tell("picture_dropped")
      await this.recording.start(this.devices.stream)
    }
  }

  /** @param {Break} end */
  #takeUp({ hasStalled, ms }) {
    if (ms > LASTED) this.#failures = 0
    // Some microphones stop delivering and don't say so.
    this.#isMicrophoneSuspect ||= hasStalled
    if (!this.#isRepairing) this.#news = "restarted"
    this.#repair()
  }

  /**
   * The devices are others now, and so is the part.
   *
   * @param {EndReason} reason
   * @param {Notice | null} [news]
   */
  async #change(reason, news = null) {
    if (!this.recording.isWanted) return
    await this.recording.cut(reason)
    this.#failures = 0
    this.#news = news
    await this.#repair()
  }

  async #repair() {
    if (this.#isRepairing) return
    this.#isRepairing = true
    while (this.recording.isWanted && !this.recording.isRunning) await this.#attempt()
    this.#isRepairing = false
  }

  async #attempt() {
    const failures = this.#failures++
    await this.#pause(PAUSES[Math.min(failures, PAUSES.length - 1)])
    if (!this.recording.isWanted || this.recording.isRunning) return
    try {
      await this.#seeToMicrophone(failures)
      this.#seeToCamera(failures)
      if (!this.recording.isWanted) return
      await this.#record()
    } catch (cause) {
      if (isHopeless(cause)) await this.#giveUp("unrecordable", cause)
      return
    }
    if (!this.recording.isRunning) return
    if (this.#news) this.#tell(this.#news)
    this.#news = null
  }

  /** @param {number} ms */
  async #pause(ms) {
    if (ms > 0) await this.clock.sleep(ms, this.#hurry.signal)
    this.#hurry = new AbortController()
  }

  /** @param {number} failures */
  async #seeToMicrophone(failures) {
    const { devices } = this
    const isSuspect = this.#isMicrophoneSuspect || failures > 0
    this.#isMicrophoneSuspect = false
    if (devices.microphone?.readyState === "live") {
      if (isSuspect && !devices.microphone.muted) await devices.reopenMicrophone().catch(() => undefined)
    } else {
      try {
        await devices.openMicrophone()
      } catch (cause) {
        await this.#giveUp("lost", cause)
        return
      }
      this.#news = "microphone_changed"
    }
    this.dispatchEvent(new Event("devices"))
  }

  /** @param {number} failures */
  #seeToCamera(failures) {
    const { camera, microphone, isCameraResting } = this.devices
    if (!camera || isCameraResting) return
    if (camera.muted && this.#rests++ < RESTS) {
      this.devices.isCameraResting = true
      this.#news = "camera_resting"
    } else if (camera.muted || (failures > 0 && !microphone?.muted)) {
      this.#closeCamera()
      this.#news = "camera_lost"
    }
  }

  async #giveUpCamera() {
    if (!this.recording.isWanted) return
    this.#closeCamera()
    await this.#change("camera_switch", "camera_lost")
  }

  async #wakeCamera() {
    if (!this.devices.isCameraResting) return
    this.devices.isCameraResting = false
    await this.#change("camera_switch")
  }

  #closeCamera() {
    this.devices.closeCamera()
    this.dispatchEvent(new Event("devices"))
  }

  async #spareTheLine() {
    if (!this.recording.rate.isTooMuch) return
    this.recording.rate.isTooMuch = false
    await this.#change("slow_line")
  }

  /**
   * @param {"lost" | "unrecordable"} event
   * @param {unknown} cause
   */
  async #giveUp(event, cause) {
    if (!this.recording.isWanted) return
    await this.recording.end("device_change")
    this.dispatchEvent(new CustomEvent(event, { detail: cause }))
  }

  /** @param {Notice} detail */
  #tell(detail) {
    this.dispatchEvent(new CustomEvent("notice", { detail }))
  }
}

/** @param {unknown} cause */
function isHopeless(cause) {
  return cause instanceof CannotRecord && cause.isForGood
}
