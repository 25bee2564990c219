import { lengthOf, spanWithin } from "../models/text_span.js"
import { secondsAt } from "../models/word_times.js"

/** What a key does with the words that are selected. @type {Record<string, string>} */
const KEYS = { h: "highlights", r: "redacts" }

/**
 * Marks the turn that is heard at the moment, while the Full Session plays; a click on a word leads
 * to where it is heard. Offers to highlight or to redact the words that are selected: by buttons
 * that appear beside them, or by h and r.
 */
class TranscriptView extends HTMLElement {
  /** @type {Element | null} */
  #scope = null

  connectedCallback() {
    this.#scope = this.closest("#detail")
    this.#scope?.addEventListener("recordingtime", this.#mark)
    document.addEventListener("selectionchange", this.#offer)
    document.addEventListener("keydown", this.#press)
    this.addEventListener("htmx:configRequest", this.#tell)
    this.addEventListener("pointerdown", this.#keep)
    this.addEventListener("click", this.#choose)
    this.dispatchEvent(new CustomEvent("transcriptshown", { bubbles: true }))
  }

  disconnectedCallback() {
    this.#scope?.removeEventListener("recordingtime", this.#mark)
    document.removeEventListener("selectionchange", this.#offer)
    document.removeEventListener("keydown", this.#press)
    this.removeEventListener("htmx:configRequest", this.#tell)
    this.removeEventListener("pointerdown", this.#keep)
    this.removeEventListener("click", this.#choose)
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

  /** The words that are selected, within the turn that the selection begins in. */
  get #selected() {
    const selection = document.getSelection()
    if (!selection || selection.isCollapsed || !selection.rangeCount) return null
    const range = selection.getRangeAt(0)
    const { startContainer: node } = range
    const words = (node instanceof Element ? node : node.parentElement)?.closest("[data-words]")
    if (!(words instanceof HTMLElement) || !this.contains(words)) return null
    const before = document.createRange()
    before.selectNodeContents(words)
    before.setEnd(range.startContainer, range.startOffset)
    const within = range.cloneRange()
    if (!words.contains(range.endContainer)) within.setEndAfter(words.lastChild ?? words)
    const span = spanWithin(before.toString(), within.toString())
    return span && { ...span, turn: words.dataset.words ?? "", box: within.getBoundingClientRect() }
  }

  #offer = () => {
    const marker = /** @type {HTMLElement | null} */ (this.querySelector("[data-marker]"))
    const selected = this.#selected
    if (!marker) return
    marker.hidden = !selected
    if (!selected) return
    const own = this.getBoundingClientRect()
    const right = Math.max(0, own.width - marker.offsetWidth)
    marker.style.insetBlockStart = `${selected.box.bottom - own.top + 4}px`
    marker.style.insetInlineStart = `${Math.min(right, Math.max(0, selected.box.left - own.left))}px`
  }

  /** @param {KeyboardEvent} event */
  #press = (event) => {
    const { key, target, metaKey, ctrlKey, altKey } = event
    const what = KEYS[key]
    if (!what || metaKey || ctrlKey || altKey || !(target instanceof Element)) return
    if (target.matches("input, textarea, select") || !this.#selected) return
    event.preventDefault()
    this.#open(what)
  }

  /** A press on these would let go of the selection. @param {Event} event */
  #keep = (event) => {
    const pressed = /** @type {Element} */ (event.target)
    const uses = "[data-highlights], [data-redacts], [data-mark-selection], [data-redact-selection]"
    if (pressed.closest(uses)) event.preventDefault()
  }

  /** @param {Event} event */
  #choose = (event) => {
    const pressed = /** @type {Element} */ (event.target)
    if (pressed.closest("[data-mark-selection]")) this.#open("highlights")
    if (pressed.closest("[data-redact-selection]")) this.#open("redacts")
    const words = pressed.closest("[data-times]")
    // Whoever selects words wants to do something else with them.
    if (words instanceof HTMLElement && document.getSelection()?.isCollapsed) this.#seek(words)
  }

  /** To the word on which the caret was just placed. @param {HTMLElement} words */
  #seek(words) {
    const range = document.getSelection()?.getRangeAt(0)
    if (!range || !words.contains(range.startContainer)) return
    range.setStart(words, 0)
    const after = secondsAt(words.dataset.times ?? "", lengthOf(range.toString()))
    const turn = words.closest("li")?.querySelector("[data-play-part]")
    turn?.dispatchEvent(new CustomEvent("wordchosen", { bubbles: true, detail: { after } }))
  }

  /** By the turn's own button, to which the focus returns afterwards. @param {string} what */
  #open(what) {
    const button = this.querySelector(`[data-${what}="${this.#selected?.turn}"]`)
    if (!(button instanceof HTMLElement)) return
    button.click()
    button.focus({ preventScroll: true })
  }

  /** @param {Event} event */
  #tell = (event) => {
    const { elt, parameters } = /** @type {CustomEvent} */ (event).detail
    const selected = this.#selected
    if (!(elt instanceof HTMLElement) || !selected) return
    if ((elt.dataset.highlights ?? elt.dataset.redacts) !== selected.turn) return
    parameters.start = selected.start
    parameters.end = selected.end
  }
}

customElements.define("transcript-view", TranscriptView)
