import { keptFor, keptName } from "../helpers/kept.js"
import { piece, pieceIfAny } from "../helpers/pieces.js"
import { showPatience } from "../helpers/patience.js"
import { translate } from "../helpers/translate.js"

/**
 * @import { Moment } from "../models/live_recording.js"
 * @import { Speaking, Why } from "../models/speaking.js"
 *
 * What the room tells an answer about the recording.
 * @typedef {object} Surroundings
 * @property {Moment | null} moment
 * @property {boolean} isTyping whether the participant takes part without a microphone
 * @property {Speaking} speaking the moderator's voice
 */

const AGAIN = 2_000
// Who interrupts has spoken for a moment before that is noticed.
const NOTICED_AFTER = 1_000
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
  /** Where it was begun first: a drop, a reload or another device may have come in between.
   * @type {Moment | null} */
  #began = null
  #hasBeenQuiet = false
  /** @type {Surroundings | null} */
  #room = null
  /** @type {{ label: HTMLElement, text: string } | null} */
  #label = null
  #leave = new AbortController()
  /** Ends the words of patience. */
  #calm = () => {}

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
    this.addEventListener("input", () => this.#write(), { signal })
    this.addEventListener("keydown", (event) => this.#key(event), { signal })
    this.#restore()
    this.#input("key").value = keptName(this.#kept, `key:${this.dataset.position}`)
  }

  disconnectedCallback() {
    this.#leave.abort()
    clearTimeout(this.#again)
    this.#calm()
    // The answer has arrived, or stands on the server already.
    if (!this.isSending) return
    this.#kept.set(this.#draft, null)
    this.#kept.set(this.#beginning, null)
  }

  /**
   * The question is on the screen.
   *
   * @param {Surroundings} room
   */
  begin(room) {
    this.#room = room
    this.#begins = room.moment
    this.#began = momentOf(this.#kept.get(this.#beginning))
    const how = { signal: this.#leave.signal, once: true }
    room.speaking.addEventListener("ended", (event) => this.#isQuiet(/** @type {CustomEvent<Why>} */ (event).detail), how)
    // What is said again later may come in the midst of an answer.
    room.speaking.addEventListener("silent", () => this.#isQuiet("answered"), how)
    // Where answers are chosen there is nothing to type or to speak into.
    if (!this.#text) return
    this.typing = room.isTyping || this.#text.value !== "" || this.#kept.get("typing") === "yes"
    piece(this, "speak").hidden = room.isTyping
  }

  /**
   * What the moderator says is in the recording too, and is no part of the answer.
   *
   * @param {Why} why
   */
  #isQuiet(why) {
    const moment = this.#room?.moment
    const wasQuiet = this.#hasBeenQuiet
    this.#hasBeenQuiet = true
    if (moment && !wasQuiet && why !== "answered") {
      this.#begins = { part: moment.part, ms: Math.max(0, moment.ms - (why === "interrupted" ? NOTICED_AFTER : 0)) }
    }
    this.#began ??= this.#begins ?? moment ?? null
    if (this.#began) this.#kept.set(this.#beginning, JSON.stringify(this.#began))
  }

  #write() {
    this.#room?.speaking.stop("answered")
    this.#keep()
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

  /** Whether it can be answered aloud now. */
  get isSpoken() {
    return this.#text !== null && !this.typing && !this.isSending && this.isConnected
  }

  /** What was said is the answer, as if Done was pressed. */
  finish() {
    if (this.isSpoken) this.#form.requestSubmit(this.querySelector('[value="spoken"]'))
  }

  /** Put the focus on what comes next: the big action, or the field. */
  takeFocus() {
    const radio = this.querySelector("input:checked") ?? this.querySelector("input[type=radio]")
    const next = this.typing ? this.#text : (radio ?? this.querySelector('[value="spoken"]'))
    if (next instanceof HTMLElement) next.focus({ preventScroll: true })
  }

  /** The network is back. */
  hurry() {
    if (this.#again) this.#sendAgain()
    // A request that was sent into the void; aborting it makes it fail, and what fails is sent again.
    else if (this.isSending && Date.now() - this.#sentAt > 1_500) this.#form.dispatchEvent(new Event("htmx:abort", { bubbles: true }))
  }

  /** @param {MouseEvent} event */
  #click(event) {
    // The second click of a double click falls on the next question's button.
    if (event.detail > 1) return stop(event)
    const pressed = event.target instanceof Element ? event.target.closest("[data-piece]") : null
    const name = pressed?.getAttribute("data-piece")
    if (this.isSending || (name !== "type" && name !== "speak")) return undefined
    this.typing = name === "type"
    if (this.typing) this.#room?.speaking.stop("answered")
    this.#kept.set("typing", this.typing ? "yes" : null)
    return this.takeFocus()
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter") return
    // A key that is held down would answer the next question too.
    if (event.repeat && event.target !== this.#text) event.preventDefault()
    if (!this.#text || event.target !== this.#text || !(event.ctrlKey || event.metaKey)) return
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
    const isEmpty = this.#text ? manner === "typed" && this.#text.value.trim() === "" : !this.querySelector("input:checked")
    if (isEmpty && manner !== "skipped") {
      this.#complain()
      return stop(event)
    }
    this.#room?.speaking.stop("answered")
    this.#place(manner)
    this.#showSending(pressed)
    return undefined
  }

  /** @param {string} manner */
  #place(manner) {
    const moment = this.#room?.moment
    const begins = this.#begins?.part === moment?.part ? this.#begins?.ms : 0
    this.#input("manner").value = manner
    this.#input("part").value = moment?.part ?? ""
    this.#input("begins_ms").value = String(begins ?? 0)
    this.#input("ends_ms").value = String(moment?.ms ?? 0)
    if (this.#text) {
      const began = this.#began?.part === moment?.part ? null : this.#began
      this.#input("began_part").value = began?.part ?? ""
      this.#input("began_ms").value = String(began?.ms ?? 0)
      // Typed words win on the server, so an answer that is spoken or skipped leaves its draft here.
      this.#text.disabled = manner !== "typed"
    }
    for (const radio of this.#radios) radio.disabled = manner === "skipped"
  }

  #complain() {
    const error = piece(this, "error")
    error.hidden = false
    const field = this.#text ?? this.#radios[0]
    field.setAttribute("aria-invalid", "true")
    field.setAttribute("aria-describedby", `question-text ${error.id}`)
    field.focus()
  }

  /** @param {HTMLElement | null} pressed */
  #showSending(pressed) {
    this.dataset.sending = "true"
    this.#sentAt = Date.now()
    piece(this, "error").hidden = true
    this.#calm()
    this.#calm = showPatience(piece(this, "patience"))
    for (const button of this.#buttons) button.setAttribute("aria-disabled", "true")
    const label = pressed && pieceIfAny(pressed, "label")
    if (!label) return
    this.#label = { label, text: label.textContent ?? "" }
    label.textContent = translate("Sending…")
  }

  /** The answer was not taken: everything is as it was before the button was pressed. */
  #takeBack() {
    this.#clearAgain()
    this.#calm()
    this.dataset.sending = "false"
    for (const field of [this.#text, ...this.#radios]) if (field) field.disabled = false
    piece(this, "waiting").hidden = true
    for (const button of this.#buttons) button.removeAttribute("aria-disabled")
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
    this.#calm()
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

  get #beginning() {
    return `began:${this.dataset.position}`
  }

  get #draft() {
    return `draft:${this.dataset.position}`
  }

  get #form() {
    return piece(this, "form", HTMLFormElement)
  }

  #keep() {
    const chosen = this.#radios.find((radio) => radio.checked)
    this.#kept.set(this.#draft, this.#text ? this.#text.value : (chosen?.value ?? null))
  }

  #restore() {
    const kept = this.#kept.get(this.#draft) ?? ""
    if (this.#text) this.#text.value = kept
    for (const radio of this.#radios) radio.checked = radio.value === kept
  }

  /** The field to type into; none where there are answers to choose from. */
  get #text() {
    const field = pieceIfAny(this, "text")
    return field instanceof HTMLTextAreaElement ? field : null
  }

  /** Those by which it is answered; the others work all the time. */
  get #buttons() {
    return this.querySelectorAll("button[type=submit], [data-piece=type], [data-piece=speak]")
  }

  get #radios() {
    return /** @type {HTMLInputElement[]} */ ([...this.querySelectorAll("input[type=radio]")])
  }

  /** @param {string} name */
  #input(name) {
    return /** @type {HTMLInputElement} */ (this.#form.elements.namedItem(name))
  }
}

/**
 * @param {string | null} kept
 * @returns {Moment | null}
 */
function momentOf(kept) {
  return kept ? JSON.parse(kept) : null
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
