/** The guide's questions: moved and removed in place; the order of the page is what is sent. */
class QuestionList extends HTMLElement {
  /** @type {{ row: Element, before: Element | null } | null} */
  #removed = null
  #observer = new MutationObserver(() => this.#number())

  connectedCallback() {
    this.addEventListener("click", this.#press)
    this.#observer.observe(this.#list, { childList: true })
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#press)
    this.#observer.disconnect()
  }

  get #list() {
    return /** @type {HTMLElement} */ (this.querySelector("ol"))
  }

  /** @param {Event} event */
  #press = (event) => {
    const pressed = /** @type {Element} */ (event.target)
    if (pressed.closest("[data-undo-button]")) this.#undo()
    const button = /** @type {HTMLElement | null} */ (pressed.closest("[data-move]"))
    const row = button?.closest("[data-question]")
    if (!button || !row) return
    // Without this script the button sends the form, and the server does the same.
    event.preventDefault()
    if (button.dataset.move === "remove") this.#remove(row)
    else this.#move(row, button)
  }

  /**
   * @param {Element} row
   * @param {HTMLElement} button
   */
  #move(row, button) {
    const isUp = button.dataset.move === "up"
    const neighbour = isUp ? row.previousElementSibling : row.nextElementSibling
    if (!neighbour) {
      this.#say(isUp ? "It is the first question already." : "It is the last question already.")
      return
    }
    if (isUp) neighbour.before(row)
    else neighbour.after(row)
    button.focus()
    this.#changed()
    this.#say(`Now question ${this.#numberOf(row)}.`)
  }

  /** @param {Element} row */
  #remove(row) {
    const before = row.nextElementSibling
    const number = this.#numberOf(row)
    this.#removed = { row, before }
    row.remove()
    const words = this.querySelector("[data-undo-words]")
    if (words) words.textContent = `Question ${number} removed.`
    this.#showUndo(true)
    this.#changed()
    this.#say(`Question ${number} removed. You can undo that.`)
  }

  #undo() {
    if (!this.#removed) return
    const { row, before } = this.#removed
    this.#list.insertBefore(row, before?.parentElement ? before : null)
    this.#removed = null
    this.#showUndo(false)
    this.#changed()
    row.querySelector("textarea")?.focus()
  }

  /** @param {boolean} isShown */
  #showUndo(isShown) {
    const undo = /** @type {HTMLElement | null} */ (this.querySelector("[data-undo]"))
    if (!undo) return
    undo.hidden = !isShown
    if (isShown) /** @type {HTMLElement | null} */ (undo.querySelector("button"))?.focus()
  }

  #changed() {
    this.#list.dispatchEvent(new Event("change", { bubbles: true }))
  }

  #number() {
    for (const row of this.#list.children) {
      const place = row.querySelector("[data-number]")
      if (place) place.textContent = String(this.#numberOf(row))
    }
  }

  /** @param {Element} row */
  #numberOf(row) {
    return [...this.#list.children].indexOf(row) + 1
  }

  /** @param {string} text */
  #say(text) {
    const place = this.querySelector("[data-said]")
    if (place) place.textContent = text
  }
}

customElements.define("question-list", QuestionList)
