import { piece } from "../helpers/pieces.js"
import { clock, RECORDING_TROUBLES, wordsFor } from "../helpers/words.js"
import { CameraSwitch } from "./camera-switch.js"
import { SelfMonitor } from "./self-monitor.js"
import { UploadStatus } from "./upload-status.js"

/**
 * @import { keptFor } from "../helpers/kept.js"
 * @import { Notice } from "../models/caretaker.js"
 * @import { Visit } from "../models/visit.js"
 */

const TICK = 500
const BEHIND = 5_000
const READ_WITHIN = 20_000

/**
 * What the room shows of the recording all the time: how long it is, what of it is safe, how the
 * participant is heard and seen. Keeps the numbers for the page after a reload.
 */
export class Instruments {
  /**
   * @param {HTMLElement} room
   * @param {Visit} visit
   * @param {ReturnType<typeof keptFor>} kept
   * @param {AbortSignal} signal ends them
   */
  constructor(room, visit, kept, signal) {
    this.room = room
    this.visit = visit
    this.kept = kept
    const ticking = setInterval(() => this.show(), TICK)
    signal.addEventListener("abort", () => clearInterval(ticking))
    addEventListener("beforeunload", (event) => this.#warn(event), { signal })
    visit.addEventListener("notice", (event) => {
      const { detail } = /** @type {CustomEvent<Notice>} */ (event)
      this.#monitor.hint(wordsFor(detail, visit.devices.microphoneName), READ_WITHIN)
    })
  }

  show() {
    const { recording, uplink, journal, contact, caretaker } = this.visit
    const { trouble } = caretaker
    piece(this.room, "status", UploadStatus).show({
      contact,
      isRecording: recording.isRunning,
      isDown: trouble !== null && !recording.isRunning,
      isTyping: this.room.dataset.mode === "typing",
      blocked: uplink.blocked,
      isLasting: journal.isLasting,
      elapsed: recording.elapsed,
      safe: recording.safeInAll,
      durable: uplink.durable,
      waiting: uplink.waiting,
      part: recording.number,
      safeOfPart: recording.safe,
    })
    piece(this.room, "timer").textContent = clock(recording.elapsed)
    this.room.dataset.recording = String(recording.isRunning)
    this.#monitor.say(trouble ? RECORDING_TROUBLES[trouble] : "", recording.isRunning)
    if (!recording.isRunning) return
    this.kept.set("recorded", String(recording.elapsed))
    this.kept.set("safe", String(recording.safeInAll))
  }

  /** The microphone or the camera is another one now. */
  showDevices() {
    const { devices } = this.visit
    this.#monitor.show(devices)
    if (this.#cameraSwitch) this.#cameraSwitch.isOn = devices.camera !== null
  }

  /** @param {boolean} isBusy */
  cameraIsBusy(isBusy) {
    if (this.#cameraSwitch) this.#cameraSwitch.isBusy = isBusy
  }

  /**
   * Leaving the page now would leave something behind in this browser.
   *
   * @param {BeforeUnloadEvent} event
   */
  #warn(event) {
    const { uplink, recording } = this.visit
    // While all is well a second's worth is always on its way, and it survives in the journal.
    const isBehind = recording.elapsed - recording.safeInAll > BEHIND
    if (uplink.waiting > 0 && (isBehind || !recording.isRunning)) event.preventDefault()
  }

  get #monitor() {
    return piece(this.room, "monitor", SelfMonitor)
  }

  get #cameraSwitch() {
    const found = this.room.querySelector('[data-piece="bar"] camera-switch')
    return found instanceof CameraSwitch ? found : null
  }
}
