import { piece } from "../helpers/pieces.js"
import { placesOf } from "../models/found.js"

/**
 * Finds words in the transcript beneath it, and leads from one place to the next: Enter, and
 * Shift+Enter back. The transcript itself is not touched.
 */
class TranscriptFind extends HTMLElement {
  /** @type {Range[]} */
  #found = []
  #chosen = 0
  /** @type {Element | null} */
  #scope = null

  connectedCallback() {
    this.#scope = this.closest("#detail")
    this.#field.addEventListener("input", this.#begin)
    this.#field.addEventListener("keydown", this.#press)
    this.addEventListener("click", this.#step)
    this.#scope?.addEventListener("transcriptshown", this.#look)
  }

  disconnectedCallback() {
    this.#scope?.removeEventListener("transcriptshown", this.#look)
    this.#show([])
  }

  get #field() {
    return piece(this, "field", HTMLInputElement)
  }

  /** Typed anew: the first place is shown. */
  #begin = () => {
    this.#chosen = 0
    this.#look()
    this.#lead()
  }

  /** The transcript may have changed. */
  #look = () => {
    const texts = this.#scope?.querySelectorAll("[data-words]") ?? []
    const found = [...texts].flatMap((text) => rangesIn(text, this.#field.value))
    this.#chosen = Math.min(this.#chosen, Math.max(0, found.length - 1))
    this.#show(found)
  }

  /** @param {Range[]} found */
  #show(found) {
    this.#found = found
    const isWanted = this.isConnected && this.#field.value.trim() !== ""
    if (this.isConnected) {
      const many = found.length > 0 ? `${this.#chosen + 1} of ${found.length}` : "Not in this transcript"
      piece(this, "count").textContent = isWanted ? many : ""
      piece(this, "steps").hidden = found.length < 2
    }
    // Browsers that cannot mark places without touching the page still lead to them.
    if (!("highlights" in CSS)) return
    CSS.highlights.set("found", new Highlight(...found))
    CSS.highlights.set("found-chosen", new Highlight(...found.slice(this.#chosen, this.#chosen + 1)))
  }

  #lead() {
    const place = this.#found[this.#chosen]?.startContainer.parentElement
    place?.scrollIntoView({ block: "nearest" })
  }

  /** @param {number} by */
  #go(by) {
    if (this.#found.length === 0) return
    this.#chosen = (this.#chosen + by + this.#found.length) % this.#found.length
    this.#show(this.#found)
    this.#lead()
  }

  /** @param {KeyboardEvent} event */
  #press = (event) => {
    if (event.key !== "Enter") return
    event.preventDefault()
    this.#go(event.shiftKey ? -1 : 1)
  }

  /** @param {Event} event */
  #step = (event) => {
    const pressed = /** @type {Element} */ (event.target).closest("[data-by]")
    if (pressed instanceof HTMLElement) this.#go(Number(pressed.dataset.by))
  }
}

/**
 * @param {Element} text
 * @param {string} wanted
 */
function rangesIn(text, wanted) {
  return placesOf(text.textContent ?? "", wanted).map(({ start, end }) => {
    const range = document.createRange()
    range.setStart(...pointAt(text, start))
    range.setEnd(...pointAt(text, end))
    return range
  })
}

/**
 * The text node of that place, and how far it is into it: highlights part a text into several.
 *
 * @param {Element} text
 * @param {number} place
 * @returns {[Node, number]}
 */
function pointAt(text, place) {
  const nodes = document.createTreeWalker(text, NodeFilter.SHOW_TEXT)
  let before = 0
  for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
    const { length } = /** @type {Text} */ (node)
    if (place <= before + length) return [node, place - before]
    before += length
  }
  return [text, text.childNodes.length]
}

customElements.define("transcript-find", TranscriptFind)
