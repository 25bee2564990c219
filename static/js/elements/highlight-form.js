import { spanWithin } from "../models/text_span.js"

/**
 * A turn's words in a field that cannot be written in: what is selected there is what is highlighted.
 * That goes by mouse, by touch and by keyboard alike.
 */
class HighlightForm extends HTMLElement {
  connectedCallback() {
    const { start, quote } = this.#kept
    const field = this.#field
    if (!field || !start || !quote) return
    const before = [...field.value].slice(0, Number(start.value)).join("")
    field.focus()
    field.setSelectionRange(before.length, before.length + quote.value.length)
    document.addEventListener("selectionchange", this.#look)
    field.addEventListener("select", this.#look)
  }

  disconnectedCallback() {
    document.removeEventListener("selectionchange", this.#look)
  }

  get #field() {
    return this.querySelector("textarea")
  }

  get #kept() {
    const named = (/** @type {string} */ name) =>
      /** @type {HTMLInputElement | null} */ (this.querySelector(`input[name=${name}]`))
    return { start: named("start"), quote: named("quote") }
  }

  /** With nothing selected the words stay that were chosen before. */
  #look = () => {
    const field = this.#field
    const { start, quote } = this.#kept
    if (!field || !start || !quote || document.activeElement !== field) return
    const [from, to] = [field.selectionStart, field.selectionEnd]
    const span = spanWithin(field.value.slice(0, from), field.value.slice(from, to))
    if (!span) return
    start.value = String(span.start)
    quote.value = field.value.slice(from, to).trim()
    const shown = this.querySelector("[data-quote]")
    if (shown) shown.textContent = quote.value
  }
}

customElements.define("highlight-form", HighlightForm)
