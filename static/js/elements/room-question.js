import { wallClock } from "../helpers/clock.js"
import { getPiece, Refused, send } from "../helpers/http.js"
import { AnswerCaptions } from "./answer-captions.js"
import { AnswerForm } from "./answer-form.js"
import { SpeakingVoice } from "./speaking-voice.js"

/**
 * @import { Surroundings } from "./answer-form.js"
 */

const AGAIN = 2_000

/**
 * `<room-question>`: the question that stands. The server's partial is shown as it comes, whether
 * the page asks for it or an answer brings it.
 */
export class RoomQuestion extends HTMLElement {
  /** @type {Surroundings | null} */
  #surroundings = null
  /** Of the question that was read aloud last. @type {string | null} */
  #said = null
  /** Until the question that stands is heard, or will not be. */
  #unheard = new AbortController()

  connectedCallback() {
    this.addEventListener("htmx:load", this)
  }

  /** @param {Event} event */
  handleEvent(event) {
    if (event.target instanceof HTMLElement && event.target.id === "question") this.#begin()
  }

  get answer() {
    const form = this.querySelector("answer-form")
    return form instanceof AnswerForm ? form : null
  }

  get #position() {
    return this.querySelector("#question")?.getAttribute("data-position")
  }

  /**
   * Ask where the interview stands, until the server tells. A question that stands already is left
   * alone, with what was typed below it, unless `anew`.
   *
   * @param {Surroundings} surroundings
   * @param {{ anew?: boolean }} [how]
   */
  async load(surroundings, { anew = false } = {}) {
    this.#surroundings = surroundings
    const markup = await this.#get()
    const position = /data-position="(\d+)"/.exec(markup)?.[1]
    if (!anew && position === this.#position) return this.#begin()
    htmx.swap("#question", markup, { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 0 })
  }

  #begin() {
    if (!this.#surroundings) return
    this.answer?.begin(this.#surroundings)
    this.takeFocus()
    this.#say()
    this.#caption()
  }

  /** Show beneath it what was understood of the answer before; the room has it where somebody hears. */
  #caption() {
    const captions = this.parentElement?.querySelector("answer-captions")
    const question = this.querySelector("#question")
    if (captions instanceof AnswerCaptions && question) captions.show(question)
  }

  /** Read it aloud, once. */
  #say() {
    const voice = this.querySelector("speaking-voice")
    const position = this.#position ?? null
    if (!(voice instanceof SpeakingVoice) || position === this.#said) return
    this.#said = position
    this.#watch(voice)
    this.#surroundings?.speaking.say(voice.words)
  }

  /**
   * Have the transcript say where in the recording it is heard; without that it stands where it was
   * decided, some tenths of a second earlier. What is said again later is not meant.
   *
   * @param {SpeakingVoice} voice
   */
  #watch(voice) {
    const room = /** @type {Surroundings} */ (this.#surroundings)
    this.#unheard.abort()
    const unheard = new AbortController()
    this.#unheard = unheard
    const { signal } = unheard
    room.speaking.addEventListener("silent", () => unheard.abort(), { signal })
    room.speaking.addEventListener(
      "began",
      () => {
        unheard.abort()
        if (room.moment) send("PUT", voice.dataset.place ?? "", room.moment).catch(() => undefined)
      },
      { signal },
    )
  }

  /** Put the focus on what comes next; it is described by the question, so that it is read. */
  takeFocus() {
    if (this.answer) this.answer.takeFocus()
    else this.querySelector("button")?.focus({ preventScroll: true })
  }

  async #get() {
    for (;;) {
      try {
        const markup = await getPiece(this.dataset.url ?? "")
        if (markup.includes('id="question"')) return markup
      } catch (cause) {
        if (cause instanceof Refused && cause.status < 500) throw cause
      }
      await wallClock.sleep(AGAIN)
    }
  }
}

customElements.define("room-question", RoomQuestion)
