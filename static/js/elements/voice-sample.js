import { Speaking } from "../models/speaking.js"
import { BrowserVoice } from "../models/voices.js"

/** `<voice-sample lang="en" data-text="…">`: has this browser's own voice say a sentence. */
export class VoiceSample extends HTMLElement {
  #speaking = new Speaking({ voices: [new BrowserVoice()] })

  connectedCallback() {
    let askedAt = 0
    this.querySelector("button")?.addEventListener("click", () => {
      askedAt = performance.now()
      this.#tell("…")
      this.#speaking.say({ text: this.dataset.text ?? "", language: this.lang, url: "" })
    })
    this.#speaking.addEventListener("began", () => this.#tell(`It began after ${((performance.now() - askedAt) / 1_000).toFixed(1)} s.`))
    this.#speaking.addEventListener("silent", () => this.#tell("This browser has no voice that works. Where that is so, participants read."))
  }

  disconnectedCallback() {
    this.#speaking.stop()
  }

  /** @param {string} text */
  #tell(text) {
    const place = this.querySelector("[role=status]")
    if (place) place.textContent = text
  }
}

customElements.define("voice-sample", VoiceSample)
