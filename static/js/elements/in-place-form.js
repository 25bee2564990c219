/**
 * A text that is written in its place: Enter saves it, Shift+Enter begins a line, Esc leaves it. The
 * buttons are what is pressed for that, so the form says what each of them does.
 */
class InPlaceForm extends HTMLElement {
  connectedCallback() {
    this.addEventListener("keydown", this.#press)
    const field = this.#field
    field?.focus({ preventScroll: true })
    field?.setSelectionRange(field.value.length, field.value.length)
  }

  disconnectedCallback() {
    this.removeEventListener("keydown", this.#press)
  }

  get #field() {
    return this.querySelector("textarea")
  }

  /** @param {KeyboardEvent} event */
  #press = (event) => {
    // Enter and Esc also end what is being composed in other scripts.
    if (event.isComposing || event.metaKey || event.ctrlKey || event.altKey) return
    if (event.key === "Escape") {
      event.preventDefault()
      event.stopPropagation()
      this.#button("[data-leave]")?.click()
    } else if (event.key === "Enter" && !event.shiftKey && event.target === this.#field) {
      event.preventDefault()
      this.#button("[type=submit]")?.click()
    }
  }

  /** @param {string} which */
  #button(which) {
    return /** @type {HTMLElement | null} */ (this.querySelector(which))
  }
}

customElements.define("in-place-form", InPlaceForm)
