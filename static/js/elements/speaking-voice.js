/**
 * `<speaking-voice lang="en">`: reads its text aloud when it appears, if the browser has a voice
 * and the participant wants to hear one. The text is on the screen whatever happens.
 */
export class SpeakingVoice extends HTMLElement {
  #watchdog = 0

  connectedCallback() {
    if (voiceIsWanted()) this.speak()
    addEventListener("voice-wanted", this)
  }

  disconnectedCallback() {
    removeEventListener("voice-wanted", this)
    clearTimeout(this.#watchdog)
    // When a question replaces another one, the new one speaks before the old one has left.
    if (!document.querySelector("speaking-voice")) this.hush()
  }

  handleEvent() {
    if (voiceIsWanted()) this.speak()
    else this.hush()
  }

  speak() {
    if (!("speechSynthesis" in window)) return
    const words = new SpeechSynthesisUtterance(this.textContent?.trim() ?? "")
    words.lang = this.lang || document.documentElement.lang
    speechSynthesis.cancel()
    // Chrome never begins to speak, and never says so, when its queue is stuck.
    this.#watchdog = setTimeout(() => this.hush(), 4_000)
    words.onstart = () => clearTimeout(this.#watchdog)
    words.onerror = () => clearTimeout(this.#watchdog)
    speechSynthesis.speak(words)
  }

  hush() {
    clearTimeout(this.#watchdog)
    if ("speechSynthesis" in window) speechSynthesis.cancel()
  }
}

const SETTING = "qualz:voice"

export function voiceIsWanted() {
  try {
    return localStorage.getItem(SETTING) !== "off"
  } catch {
    return true
  }
}

/** `<voice-switch>`: whether questions are read aloud. Hidden where the browser has no voice. */
export class VoiceSwitch extends HTMLElement {
  connectedCallback() {
    if (!("speechSynthesis" in window)) return
    const appear = () => {
      this.hidden = speechSynthesis.getVoices().length === 0
    }
    appear()
    speechSynthesis.addEventListener("voiceschanged", appear)
    this.#show()
    this.addEventListener("click", () => {
      try {
        localStorage.setItem(SETTING, voiceIsWanted() ? "off" : "on")
      } catch {
        // Then it stays as it is.
      }
      this.#show()
      dispatchEvent(new Event("voice-wanted"))
    })
  }

  #show() {
    this.querySelector("button")?.setAttribute("aria-checked", String(voiceIsWanted()))
  }
}

customElements.define("speaking-voice", SpeakingVoice)
customElements.define("voice-switch", VoiceSwitch)
