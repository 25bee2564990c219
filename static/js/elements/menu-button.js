const GAP = 4

/**
 * A button and the menu that it opens (a native popover). Puts the menu beside the button, moves
 * through it with the arrow keys, and closes it when something in it was chosen.
 */
class MenuButton extends HTMLElement {
  connectedCallback() {
    this.#menu?.addEventListener("toggle", this.#place)
    this.#menu?.addEventListener("keydown", this.#move)
    this.#menu?.addEventListener("click", this.#close)
  }

  disconnectedCallback() {
    this.#menu?.removeEventListener("toggle", this.#place)
    this.#menu?.removeEventListener("keydown", this.#move)
    this.#menu?.removeEventListener("click", this.#close)
  }

  get #menu() {
    return /** @type {HTMLElement | null} */ (this.querySelector("[popover]"))
  }

  get #items() {
    const items = this.#menu?.querySelectorAll(".menu__item") ?? []
    return /** @type {HTMLElement[]} */ ([...items])
  }

  #place = () => {
    const menu = this.#menu
    const button = this.querySelector("[popovertarget]")
    if (!menu?.matches(":popover-open") || !button) return
    const { top, bottom, right } = button.getBoundingClientRect()
    const fitsBelow = bottom + GAP + menu.offsetHeight <= window.innerHeight
    const y = fitsBelow ? bottom + GAP : Math.max(GAP, top - GAP - menu.offsetHeight)
    const x = Math.max(GAP, Math.min(right, window.innerWidth - GAP) - menu.offsetWidth)
    menu.style.insetBlockStart = `${y}px`
    menu.style.insetInlineStart = `${x}px`
    // "toggle" comes a task after the menu opened: by then somebody may be at an item already.
    if (!menu.contains(document.activeElement)) this.#items[0]?.focus({ preventScroll: true })
  }

  /** @param {KeyboardEvent} event */
  #move = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    const items = this.#items
    const here = items.indexOf(/** @type {HTMLElement} */ (document.activeElement))
    items[(here + step + items.length) % items.length]?.focus()
  }

  /** @param {Event} event */
  #close = (event) => {
    const item = /** @type {Element} */ (event.target).closest(".menu__item")
    if (item) this.#menu?.hidePopover()
  }
}

customElements.define("menu-button", MenuButton)
