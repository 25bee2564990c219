const MOMENT = 2000

/** Copies the value of the field that it is `for`, and says so on its button. */
class CopyButton extends HTMLElement {
  #timer = 0

  connectedCallback() {
    this.addEventListener("click", this.#copy)
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#copy)
    clearTimeout(this.#timer)
  }

  #copy = async () => {
    const field = document.getElementById(this.getAttribute("for") ?? "")
    if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) return
    this.#say((await this.#write(field)) ? "Copied" : "Press Ctrl+C")
  }

  /** @param {HTMLInputElement | HTMLTextAreaElement} field */
  async #write(field) {
    try {
      await navigator.clipboard.writeText(field.value)
      return true
    } catch {
      // Over plain http on a local network there is no clipboard; the older way still works.
      field.select()
      return document.execCommand("copy")
    }
  }

  /** @param {string} word */
  #say(word) {
    const words = this.querySelector("[data-words]")
    if (!words) return
    this.dataset.usual ??= words.textContent ?? ""
    words.textContent = word
    words.setAttribute("role", "status")
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => (words.textContent = this.dataset.usual ?? ""), MOMENT)
  }
}

customElements.define("copy-button", CopyButton)
