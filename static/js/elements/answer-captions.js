import { Choice } from "../helpers/choice.js"
import { getFacts } from "../helpers/http.js"
import { piece, pieceIfAny } from "../helpers/pieces.js"
import { Caption } from "../models/caption.js"

/**
 * `<answer-captions>`: a switch, remembered in this browser and on at first, for what was understood
 * of the last answer. It is seen beneath the question, and told from here to those who listen: what
 * comes with a question would not be announced.
 */
export class AnswerCaptions extends HTMLElement {
  #choice = new Choice("qualz:captions", true)
  #caption = new Caption({ get: getFacts })
  /** The question that stands. @type {Element | null} */
  #question = null

  connectedCallback() {
    piece(this, "switch").addEventListener("click", () => this.#toggle())
    this.#caption.addEventListener("changed", () => this.#write())
    this.#follow()
  }

  disconnectedCallback() {
    this.#caption.follow("")
  }

  /** @param {Element} question its `data-caption` says where its caption is, if it has one */
  show(question) {
    this.#question = question
    this.#follow()
    this.#write()
  }

  get isOn() {
    return this.#choice.isOn
  }

  #toggle() {
    this.#choice.toggle()
    this.#follow()
  }

  #follow() {
    piece(this, "switch").setAttribute("aria-checked", String(this.isOn))
    this.#caption.follow(this.isOn ? (this.#question?.getAttribute("data-caption") ?? "") : "")
  }

  #write() {
    const seen = this.#question && pieceIfAny(this.#question, "caption")
    for (const place of [seen, piece(this, "spoken-caption")]) {
      const text = this.#text()
      if (place && place.textContent !== text.textContent) place.replaceChildren(text)
    }
  }

  /** The words as they are: whatever was said is text. */
  #text() {
    const { words, isDraft } = this.#caption
    if (!words) return document.createDocumentFragment()
    const template = piece(this, isDraft ? "drafted" : "said", HTMLTemplateElement)
    const text = document.importNode(template.content, true)
    const place = text.querySelector("[data-piece=words]")
    if (place) place.textContent = words
    return text
  }
}

customElements.define("answer-captions", AnswerCaptions)
