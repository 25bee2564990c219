import { piece, pieceIfAny } from "../helpers/pieces.js"
import { translate } from "../helpers/translate.js"
import { SoundLevel } from "../helpers/sound_level.js"
import { LevelMeter } from "./level-meter.js"

/**
 * @import { Devices } from "../models/devices.js"
 */

const HEARD = 0.3
const SILENT_FOR = 20_000
const SILENCE = translate("We hear nothing. If you are speaking, check that your microphone is not muted.")

/** `<self-monitor>`: how the participant is heard and seen, and a line when something is odd. */
export class SelfMonitor extends HTMLElement {
  #sound = new SoundLevel()
  #lastHeardAt = Date.now()
  #hint = ""
  #hintUntil = Infinity
  #left = new AbortController()

  connectedCallback() {
    this.#left = new AbortController()
    const { signal } = this.#left
    addEventListener("pointerdown", () => this.#sound.wake(), { signal })
    addEventListener("keydown", () => this.#sound.wake(), { signal })
    document.addEventListener("visibilitychange", () => this.#sound.wake(), { signal })
  }

  disconnectedCallback() {
    this.#left.abort()
    this.#sound.close()
  }

  get level() {
    return this.#sound.level
  }

  /** @param {Devices} devices */
  show({ microphone, camera }) {
    if (microphone) this.#sound.listen(microphone)
    else this.#sound.close()
    piece(this, "meter", LevelMeter).source = microphone ? this.#sound : null
    this.#lastHeardAt = Date.now()
    const view = pieceIfAny(this, "self-view")
    if (!(view instanceof HTMLVideoElement)) return
    view.srcObject = camera ? new MediaStream([camera]) : null
    view.hidden = !camera
  }

  /**
   * Say something, for a while or until something else is said.
   *
   * @param {string} text
   * @param {number} [ms]
   */
  hint(text, ms = Infinity) {
    this.#hint = text
    this.#hintUntil = Date.now() + ms
    this.#write(text)
  }

  /**
   * Say what is the matter, as long as it is; else what was said last, or that nothing is heard.
   *
   * @param {string} trouble
   * @param {boolean} isRecording
   */
  say(trouble, isRecording) {
    if (Date.now() > this.#hintUntil) this.#hint = ""
    const silence = this.#isSilent(isRecording) ? SILENCE : ""
    this.#write(trouble || this.#hint || silence)
  }

  /**
   * Another program may have taken the microphone, which then delivers silence and no error.
   *
   * @param {boolean} isRecording
   */
  #isSilent(isRecording) {
    const isAudible = !isRecording || !this.#sound.isAwake || this.#sound.level > HEARD
    if (isAudible) this.#lastHeardAt = Date.now()
    return Date.now() - this.#lastHeardAt > SILENT_FOR
  }

  /** @param {string} text */
  #write(text) {
    const place = piece(this, "hint")
    if (place.textContent !== text) place.textContent = text
  }
}

customElements.define("self-monitor", SelfMonitor)
