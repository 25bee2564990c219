import { Choice } from "../helpers/choice.js"
import { getSound } from "../helpers/http.js"
import { MixingDesk } from "../models/mixing_desk.js"
import { Speaking } from "../models/speaking.js"
import { BrowserVoice, ServerVoice } from "../models/voices.js"

/**
 * @import { Voice } from "../models/speaking.js"
 * @import { Visit } from "../models/visit.js"
 */

/** `<speaking-voice lang="en" data-url="…">`: the words that are to be said, and where they sound. */
export class SpeakingVoice extends HTMLElement {
  get words() {
    return {
      text: this.textContent?.trim() ?? "",
      language: this.lang || document.documentElement.lang,
      url: this.dataset.url ?? "",
    }
  }
}

/**
 * The moderator's voice on this visit: the server's, which is recorded with the participant's own,
 * else the browser's.
 *
 * @param {Visit} visit
 * @param {() => number} level how loud the participant is
 * @param {AbortSignal} signal
 */
export function voiceOf(visit, level, signal) {
  const { voice } = visit.room
  /** @type {Voice[]} */
  const voices = voice === "none" ? [] : [new BrowserVoice()]
  if (voice === "server" && "AudioContext" in globalThis) {
    const desk = new MixingDesk({ isWanted: voiceIsWanted })
    for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, () => desk.wake(), { signal })
    visit.recording.desk = desk
    visit.devices.addEventListener("loudspeaker", () => desk.sound(visit.devices.loudspeaker), { signal })
    voices.unshift(new ServerVoice(desk, getSound))
  }
  const speaking = new Speaking({ voices, level, isWanted: voiceIsWanted })
  addEventListener("voice-wanted", () => (voiceIsWanted() ? speaking.again() : speaking.stop("muted")), { signal })
  return speaking
}

const choice = new Choice("qualz:voice", true)

export function voiceIsWanted() {
  return choice.isOn
}

/**
 * `<voice-switch data-voice="server">`: whether questions are read aloud. Hidden where nobody
 * would.
 */
export class VoiceSwitch extends HTMLElement {
  connectedCallback() {
    this.#appear()
    if ("speechSynthesis" in window) speechSynthesis.addEventListener("voiceschanged", () => this.#appear())
    this.#show()
    this.addEventListener("click", () => {
      choice.toggle()
      this.#show()
      dispatchEvent(new Event("voice-wanted"))
    })
  }

  #appear() {
    const { voice } = this.dataset
    const hasOwn = "speechSynthesis" in window && speechSynthesis.getVoices().length > 0
    this.hidden = voice === "none" || (voice !== "server" && !hasOwn)
  }

  #show() {
    this.querySelector("button")?.setAttribute("aria-checked", String(voiceIsWanted()))
  }
}

customElements.define("speaking-voice", SpeakingVoice)
customElements.define("voice-switch", VoiceSwitch)
