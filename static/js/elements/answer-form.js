import { keptFor, keptName } from "../helpers/kept.js"
import { piece, pieceIfAny } from "../helpers/pieces.js"

/**
 * @import { Moment } from "../models/live_recording.js"
 *
 * What the room tells an answer about the recording.
 * @typedef {object} Surroundings
 * @property {Moment | null} moment
 * @property {boolean} isTyping whether the participant takes part without a microphone
 */

const AGAIN = 2_000
// What the server means for good; everything else is tried again.
const MEANT = new Set([400, 401, 403, 404, 409, 410, 422])

/**
 * `<answer-form>`: one answer to one question. It is spoken, typed or skipped, goes out by htmx,
 * and when the network fails it is kept and sent again under the same key until it arrives.
 *
 * Its event `answer-refused` carries the status when the server will not take it.
 */
export class AnswerForm extends HTMLElement {
  #again = 0
  #sentAt = 0
  /** @type {Moment | null} */
  #begins = null
  /** @type {Surroundings} */
  #room = { moment: null, isTyping: false }
  /** @type {{ label: HTMLElement, text: string } | null} */
  #label = null
  #leave = new AbortController()

  connectedCallback() {
    this.#leave = new AbortController()
    const { signal } = this.#leave
    this.addEventListener("click", (event) => this.#click(event), { signal, capture: true })
    // Before htmx reads the form, and before it swaps what came back.
    this.addEventListener("submit", (event) => this.#fill(event), { signal, capture: true })
    this.addEventListener("htmx:beforeOnLoad", (event) => this.#doubt(event), { signal })
    this.addEventListener("htmx:responseError", (event) => this.#failed(statusOf(event)), { signal })
    for (const name of ["htmx:sendError", "htmx:timeout", "htmx:sendAbort"]) {
      this.addEventListener(name, () => this.#failed(0), { signal })
    }
    this.#text.addEventListener("input", () => this.#kept.set(this.#draft, this.#text.value), { signal })
    this.addEventListener("keydown", (event) => this.#key(event), { signal })
    this.#text.value = this.#kept.get(this.#draft) ?? ""
    this.#input("key").value = keptName(this.#kept, `key:${this.dataset.position}`)
  }

  disconnectedCallback() {
    this.#leave.abort()
    clearTimeout(this.#again)
    // The answer has arrived, or stands on the server already.
    if (this.isSending) this.#kept.set(this.#draft, null)
  }

  /**
   * The question is on the screen.
   *
   * @param {Surroundings} room
   */
  begin(room) {
    this.#room = room
    this.#begins = room.moment
    this.typing = room.isTyping || this.#text.value !== "" || this.#kept.get("typing") === "yes"
    piece(this, "speak").hidden = room.isTyping
  }

  get isSending() {
    return this.dataset.sending === "true"
  }

  get typing() {
    return this.dataset.typing === "true"
  }

  set typing(typing) {
    this.dataset.typing = String(typing)
    piece(this, "spoken").hidden = typing
    piece(this, "typed").hidden = !typing
  }

  /** Put the focus on what comes next: the big action, or the field. */
  takeFocus() {
    const next = this.typing ? this.#text : this.querySelector('[value="spoken"]')
    if (next instanceof HTMLElement) next.focus({ preventScroll: true })
  }

  /** The network is back. */
  hurry() {
    if (this.#again) this.#sendAgain()
    // A request that was sent into the void; aborting it makes it fail, and what fails is sent again.
    else if (this.isSending && Date.now() - this.#sentAt > 3_000) this.#form.dispatchEvent(new Event("htmx:abort", { bubbles: true }))
  }

  /** @param {MouseEvent} event */
  #click(event) {
    // The second click of a double click falls on the next question's button.
    if (event.detail > 1) return stop(event)
    const pressed = event.target instanceof Element ? event.target.closest("[data-piece]") : null
    const name = pressed?.getAttribute("data-piece")
    if (this.isSending || (name !== "type" && name !== "speak")) return undefined
    this.typing = name === "type"
    this.#kept.set("typing", this.typing ? "yes" : null)
    return this.takeFocus()
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter") return
    // A key that is held down would answer the next question too.
    if (event.repeat && event.target !== this.#text) event.preventDefault()
    if (event.target !== this.#text || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    this.#form.requestSubmit(this.querySelector('[value="typed"]'))
  }

  /** @param {SubmitEvent} event */
  #fill(event) {
    // A retry sends what was filled in when the button was pressed.
    if (this.#again) return this.#clearAgain()
    if (this.isSending) return stop(event)
    const pressed = event.submitter
    const manner = pressed instanceof HTMLButtonElement ? pressed.value : this.typing ? "typed" : "spoken"
    if (manner === "typed" && this.#text.value.trim() === "") {
      this.#complain()
      return stop(event)
    }
    this.#place(manner)
    this.#showSending(pressed)
    return undefined
  }

  /** @param {string} manner */
  #place(manner) {
    const { moment } = this.#room
    const begins = this.#begins?.part === moment?.part ? this.#begins?.ms : 0
    this.#input("manner").value = manner
    this.#input("part").value = moment?.part ?? ""
    this.#input("begins_ms").value = String(begins ?? 0)
    this.#input("ends_ms").value = String(moment?.ms ?? 0)
    // Typed words win on the server, so an answer that is spoken or skipped leaves its draft here.
    this.#text.disabled = manner !== "typed"
  }

  #complain() {
    const error = piece(this, "error")
    error.hidden = false
    this.#text.setAttribute("aria-invalid", "true")
    this.#text.setAttribute("aria-describedby", `question-text ${error.id}`)
    this.#text.focus()
  }

  /** @param {HTMLElement | null} pressed */
  #showSending(pressed) {
    this.dataset.sending = "true"
    this.#sentAt = Date.now()
    piece(this, "error").hidden = true
    for (const button of this.querySelectorAll("button")) button.setAttribute("aria-disabled", "true")
    const label = pressed && pieceIfAny(pressed, "label")
    if (!label) return
    this.#label = { label, text: label.textContent ?? "" }
    label.textContent = "Sending…"
  }

  /** The answer was not taken: everything is as it was before the button was pressed. */
  #takeBack() {
    this.#clearAgain()
    this.dataset.sending = "false"
    this.#text.disabled = false
    piece(this, "waiting").hidden = true
    for (const button of this.querySelectorAll("button")) button.removeAttribute("aria-disabled")
    if (this.#label) this.#label.label.textContent = this.#label.text
  }

  /**
   * Captive portals answer in our name, with a page of their own.
   *
   * @param {Event} event
   */
  #doubt(event) {
    const { xhr } = /** @type {CustomEvent} */ (event).detail
    if (xhr.status !== 200 || xhr.responseText.includes('id="question"')) return
    event.preventDefault()
    this.#failed(0)
  }

  /** @param {number} status */
  #failed(status) {
    if (!this.isConnected) return
    if (MEANT.has(status)) {
      this.#takeBack()
      this.dispatchEvent(new CustomEvent("answer-refused", { detail: status, bubbles: true }))
      return
    }
    piece(this, "waiting").hidden = false
    this.#clearAgain()
    this.#again = setTimeout(() => this.#sendAgain(), AGAIN)
  }

  #sendAgain() {
    this.#sentAt = Date.now()
    this.#form.requestSubmit()
  }

  #clearAgain() {
    clearTimeout(this.#again)
    this.#again = 0
  }

  get #kept() {
    return keptFor(this.dataset.interview ?? "")
  }

  get #draft() {
    return `draft:${this.dataset.position}`
  }

  get #form() {
    return piece(this, "form", HTMLFormElement)
  }

  get #text() {
    return piece(this, "text", HTMLTextAreaElement)
  }

  /** @param {string} name */
  #input(name) {
    return /** @type {HTMLInputElement} */ (this.#form.elements.namedItem(name))
  }
}

/** @param {Event} event */
function stop(event) {
  event.preventDefault()
  event.stopImmediatePropagation()
}

/** @param {Event} event */
function statusOf(event) {
  return Number(/** @type {CustomEvent} */ (event).detail.xhr?.status ?? 0)
}

customElements.define("answer-form", AnswerForm)
