/**
 * The search above the list, and the keys of the workbench: / goes to the search, the arrow leads
 * from it into the list, Esc closes what is open beside it and goes back to its row.
 */
class ListSearch extends HTMLElement {
  #wasEmpty = true

  connectedCallback() {
    document.addEventListener("keydown", this.#look, { capture: true })
    document.addEventListener("keydown", this.#press)
    document.addEventListener("click", this.#close)
    document.addEventListener("htmx:configRequest", this.#leadBack)
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#look, { capture: true })
    document.removeEventListener("keydown", this.#press)
    document.removeEventListener("click", this.#close)
    document.removeEventListener("htmx:configRequest", this.#leadBack)
  }

  get #field() {
    return /** @type {HTMLInputElement | null} */ (this.querySelector("input[type=search]"))
  }

  get #back() {
    return /** @type {HTMLElement | null} */ (document.querySelector("[data-close-detail]"))
  }

  /** Before the browser itself empties the field on Esc. */
  #look = () => {
    this.#wasEmpty = !this.#field?.value
  }

  /** @param {KeyboardEvent} event */
  #press = (event) => {
    const { key, target, defaultPrevented } = event
    if (defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return
    // A menu or a dialog that is open has its own keys.
    if (document.querySelector("dialog[open], :popover-open")) return
    if (key === "/" && !isWritten(target)) this.#search(event)
    // In the search itself Esc first takes back what was typed, by the browser's own doing.
    const isFree = !isWritten(target) || (target === this.#field && this.#wasEmpty)
    if (key === "Escape" && isFree) this.#back?.click()
    if (key === "ArrowDown" && target === this.#field) this.#enter(event)
  }

  /** @param {Event} event */
  #search(event) {
    // On a phone the list gives way to what is open, and its search with it.
    if (!this.#field?.checkVisibility()) return
    event.preventDefault()
    this.#field.focus()
    this.#field.select()
  }

  /** @param {Event} event */
  #enter(event) {
    const first = document.querySelector("#rows .table-list__link")
    if (!(first instanceof HTMLElement)) return
    event.preventDefault()
    first.focus()
  }

  /** @param {Event} event */
  #close = (event) => {
    const pressed = /** @type {Element} */ (event.target)
    if (pressed.closest("[data-presses-back]")) this.#back?.click()
  }

  /** Back to the list as it is by now, not as it was when the detail was opened. @param {Event} event */
  #leadBack = (event) => {
    const { detail } = /** @type {CustomEvent} */ (event)
    const address = document.getElementById("rows")?.dataset.address
    if (detail.elt === this.#back && address) detail.path = address
  }
}

/** @param {EventTarget | null} target */
function isWritten(target) {
  return target instanceof Element && target.matches("input, textarea, select, [contenteditable]")
}

customElements.define("list-search", ListSearch)
