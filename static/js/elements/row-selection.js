import { Selection } from "../models/selection.js"

/**
 * `<row-selection data-study>`: the bar above the list that says how many rows are chosen, and what
 * can be done with them. The rows are swapped every few seconds; what is chosen is put back then.
 * A form with `data-selection` is sent with what is chosen, which is given up by that.
 */
class RowSelection extends HTMLElement {
  #selection = new Selection()

  connectedCallback() {
    this.#selection = new Selection(sessionStorage.getItem(this.#key), this.#asked)
    document.addEventListener("click", this.#click)
    document.addEventListener("keydown", this.#press, { capture: true })
    document.addEventListener("formdata", this.#enclose)
    document.addEventListener("htmx:configRequest", this.#ask)
    for (const name of SWAPS) document.addEventListener(name, this.#putBack)
    this.#show()
  }

  disconnectedCallback() {
    document.removeEventListener("click", this.#click)
    document.removeEventListener("keydown", this.#press, { capture: true })
    document.removeEventListener("formdata", this.#enclose)
    document.removeEventListener("htmx:configRequest", this.#ask)
    for (const name of SWAPS) document.removeEventListener(name, this.#putBack)
  }

  get #key() {
    return `chosen-${this.dataset.study}`
  }

  get #rows() {
    return document.getElementById("rows")
  }

  get #boxes() {
    return /** @type {HTMLInputElement[]} */ ([...(this.#rows?.querySelectorAll("[data-choose]") ?? [])])
  }

  get #shown() {
    return this.#boxes.map((box) => box.value)
  }

  /** What the list is narrowed to; its order and its page do not matter. */
  get #asked() {
    return this.#rows?.dataset.asked ?? ""
  }

  get #found() {
    return Number(this.#rows?.dataset.found ?? 0)
  }

  /** @param {MouseEvent} event */
  #click = (event) => {
    const pressed = /** @type {Element} */ (event.target)
    if (pressed instanceof HTMLInputElement && pressed.matches("[data-choose]")) {
      this.#choose(pressed.value, event.shiftKey)
    } else if (pressed.closest("[data-choose-all]")) {
      this.#selection.chooseAll()
      this.#show()
    } else if (pressed.closest("[data-choose-none]")) {
      this.#giveUp()
    }
  }

  /** @param {KeyboardEvent} event */
  #press = (event) => {
    const { key, target } = event
    if (!(target instanceof Element) || document.querySelector("dialog[open], :popover-open")) return
    if (key === " " && target.matches("#rows .table-list__link")) {
      const box = target.closest(".table-list__row")?.querySelector("[data-choose]")
      if (!(box instanceof HTMLInputElement)) return
      event.preventDefault()
      this.#choose(box.value, event.shiftKey)
    } else if (key === "Escape" && !this.#selection.isEmpty && !target.matches("input[type=search], select")) {
      // Before it closes what is open beside the list.
      event.preventDefault()
      event.stopImmediatePropagation()
      this.#giveUp()
    }
  }

  /**
   * @param {string} name
   * @param {boolean} isRange
   */
  #choose(name, isRange) {
    if (isRange) this.#selection.extend(name, this.#shown)
    else this.#selection.toggle(name, this.#shown)
    this.#show()
  }

  #giveUp() {
    const isWithin = this.contains(document.activeElement)
    this.#selection.clear()
    this.#show()
    // What had the focus is hidden now.
    const first = document.querySelector("#rows .table-list__link")
    if (isWithin && first instanceof HTMLElement) first.focus()
  }

  #putBack = () => {
    // Something else is searched for: all that matched are others by now.
    if (this.#selection.asked !== this.#asked) this.#selection = new Selection(this.#selection.kept, this.#asked)
    this.#show()
  }

  /** The dialogs say of how many they are. @param {Event} event */
  #ask = (event) => {
    const { detail } = /** @type {CustomEvent} */ (event)
    if (!this.contains(detail.elt)) return
    const all = new URLSearchParams(this.#selection.isAll ? this.#asked : "")
    if (this.#selection.isAll) all.set("all", "1")
    all.set("count", String(this.#selection.count(this.#found)))
    detail.path = `${detail.path}?${all}`
  }

  /** @param {FormDataEvent} event */
  #enclose = ({ target, formData }) => {
    if (!(target instanceof HTMLFormElement) || !("selection" in target.dataset)) return
    if (this.#selection.isAll) formData.set("all", "1")
    else for (const name of this.#selection.names) formData.append("interview", name)
    sessionStorage.removeItem(this.#key)
  }

  #show() {
    const { isEmpty, isAll, kept } = this.#selection
    for (const box of this.#boxes) box.checked = this.#selection.has(box.value)
    const count = this.#selection.count(this.#found)
    this.hidden = isEmpty
    this.toggleAttribute("data-all", isAll)
    for (const place of this.querySelectorAll("[data-count]")) place.textContent = `${count.toLocaleString()} chosen`
    const all = this.querySelector("[data-choose-all]")
    if (all instanceof HTMLElement) {
      all.hidden = isAll || this.#found <= count
      all.textContent = `All ${this.#found.toLocaleString()}${this.#asked ? " that match" : ""}`
    }
    if (kept) sessionStorage.setItem(this.#key, kept)
    else sessionStorage.removeItem(this.#key)
  }
}

const SWAPS = ["htmx:afterSwap", "htmx:oobAfterSwap"]

customElements.define("row-selection", RowSelection)
