import { Choice } from "../helpers/choice.js"
import { piece } from "../helpers/pieces.js"
import { translate } from "../helpers/translate.js"
import { TurnTaking } from "../models/turn_taking.js"

/**
 * @import { AnswerForm } from "./answer-form.js"
 * @import { Speaking } from "../models/speaking.js"
 *
 * What it hears and what it may send.
 * @typedef {object} Ears
 * @property {() => number} level how loud the participant is, from 0 to 1
 * @property {() => AnswerForm | null} answer the form that stands, where a spoken answer is awaited
 * @property {Speaking} speaking
 */

const LOOK = 100
const ADVICE = {
  "": "",
  nudge: translate("Take your time. Just begin when you are ready."),
  offer: translate("Take your time. You can also skip this question, or pause."),
}

/**
 * `<hands-free>`: a switch, remembered in this browser. Switched on, an answer is sent when the
 * participant has fallen silent, after a countdown that they can stop by talking or by a button.
 */
export class HandsFree extends HTMLElement {
  #choice = new Choice("qualz:hands-free", false)
  #taking = new TurnTaking()
  #timer = 0
  /** @type {Ears | null} */
  #ears = null
  /** @type {AnswerForm | null} */
  #form = null

  connectedCallback() {
    piece(this, "switch").addEventListener("click", () => this.#toggle())
    piece(this, "think").addEventListener("click", () => this.#think())
    this.#taking.addEventListener("changed", () => this.#show())
    this.#show()
  }

  disconnectedCallback() {
    clearInterval(this.#timer)
  }

  /** @param {Ears} ears */
  listen(ears) {
    this.#ears = ears
    this.#run()
  }

  get isOn() {
    return this.#choice.isOn
  }

  #toggle() {
    this.#choice.toggle()
    this.#run()
  }

  #run() {
    clearInterval(this.#timer)
    this.#form = null
    this.#taking.stop()
    if (this.isOn && this.#ears) this.#timer = setInterval(() => this.#look(), LOOK)
    this.#show()
  }

  #look() {
    const { level, answer, speaking } = /** @type {Ears} */ (this.#ears)
    const form = answer()
    const now = performance.now()
    if (form !== this.#form) {
      this.#form = form
      if (form) this.#taking.begin(now)
      else this.#taking.stop()
    }
    if (!form) return
    if (speaking.isSpeaking) this.#taking.pass(now)
    else this.#taking.hear(level(), now)
    if (this.#taking.phase !== "over") return
    this.#taking.stop()
    form.finish()
  }

  #think() {
    const had = this.contains(document.activeElement)
    this.#taking.think()
    // The button goes, and the focus would fall to the top of the page.
    if (had) piece(this, "switch").focus({ preventScroll: true })
  }

  #show() {
    const { phase, advice, secondsLeft } = this.#taking
    piece(this, "switch").setAttribute("aria-checked", String(this.isOn))
    this.dataset.phase = phase
    const isCounting = phase === "counting"
    piece(this, "think").hidden = !isCounting
    const count = isCounting ? translate("Sending in {seconds}… keep talking, or tap “I’m still thinking”.", { seconds: secondsLeft }) : ""
    const waiting = phase === "thinking" ? translate("All right. Take your time.") : ADVICE[advice]
    write(piece(this, "count"), count || waiting)
    // Those who listen need not be counted down to.
    const spoken = isCounting ? translate("Your answer is about to be sent. Keep talking, or press “I’m still thinking”.") : waiting
    write(piece(this, "spoken-line"), spoken)
  }
}

/**
 * @param {HTMLElement} place
 * @param {string} text
 */
function write(place, text) {
  if (place.textContent !== text) place.textContent = text
}

customElements.define("hands-free", HandsFree)
