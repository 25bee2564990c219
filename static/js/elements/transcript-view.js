/** Marks the turn that is heard at the moment, while the Full Session plays. */
class TranscriptView extends HTMLElement {
  /** @type {Element | null} */
  #scope = null

  connectedCallback() {
    this.#scope = this.closest("#detail")
    this.#scope?.addEventListener("recordingtime", this.#mark)
  }

  disconnectedCallback() {
    this.#scope?.removeEventListener("recordingtime", this.#mark)
  }

  /** @param {Event} event */
  #mark = (event) => {
    const { at } = /** @type {CustomEvent<{ at: number | null }>} */ (event).detail
    const turns = /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll("[data-at]"))
    const begun = at === null ? [] : [...turns].filter((turn) => Number(turn.dataset.at) <= at)
    const heard = begun.at(-1)
    for (const turn of turns) {
      if (turn === heard) turn.setAttribute("aria-current", "true")
      else turn.removeAttribute("aria-current")
    }
  }
}

customElements.define("transcript-view", TranscriptView)
