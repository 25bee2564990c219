const STEPS = new Map([
  ["ArrowDown", 1],
  ["j", 1],
  ["ArrowUp", -1],
  ["k", -1],
])

/** A list whose rows are gone through with the arrow keys, or j and k, once one has the focus. */
class RowList extends HTMLElement {
  connectedCallback() {
    this.addEventListener("keydown", this.#move)
  }

  disconnectedCallback() {
    this.removeEventListener("keydown", this.#move)
  }

  /** @param {KeyboardEvent} event */
  #move = (event) => {
    const step = STEPS.get(event.key)
    const row = /** @type {Element} */ (event.target).closest(".table-list__row")
    const isInMenu = /** @type {Element} */ (event.target).closest("[popover]")
    if (!step || !row || isInMenu || event.metaKey || event.ctrlKey || event.altKey) return
    event.preventDefault()
    const next = step > 0 ? row.nextElementSibling : row.previousElementSibling
    const link = next?.querySelector(".table-list__link")
    if (link instanceof HTMLElement) link.focus()
  }
}

customElements.define("row-list", RowList)
