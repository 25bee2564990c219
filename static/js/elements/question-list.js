import { moved, placed } from "../models/row_order.js"

/**
 * `<question-list>`: the guide's questions and the headings of its sections. They are moved by
 * their buttons, by Alt and the arrow keys, and by dragging; the order of the page is what is sent.
 */
class QuestionList extends HTMLElement {
  /** @type {{ row: Element, before: Element | null } | null} */
  #removed = null
  /** @type {Element | null} */
  #dragged = null
  #observer = new MutationObserver(() => this.#number())

  connectedCallback() {
    for (const name of EVENTS) this.addEventListener(name, this)
    this.#observer.observe(this.#list, { childList: true })
  }

  disconnectedCallback() {
    for (const name of EVENTS) this.removeEventListener(name, this)
    this.#observer.disconnect()
  }

  get #list() {
    return /** @type {HTMLElement} */ (this.querySelector("ol"))
  }

  get #rows() {
    return [...this.#list.children]
  }

  get #names() {
    return this.#rows.map(nameOf)
  }

  /** @param {Event} event */
  handleEvent(event) {
    if (event.type === "click") this.#press(event)
    else if (event instanceof KeyboardEvent) this.#key(event)
    else if (event instanceof PointerEvent) this.#drag(event)
  }

  /** @param {Event} event */
  #press(event) {
    const pressed = /** @type {Element} */ (event.target)
    if (pressed.closest("[data-undo-button]")) this.#undo()
    if (pressed.closest("[data-drop]")) return this.#dropOption(event, pressed)
    const button = /** @type {HTMLElement | null} */ (pressed.closest("[data-move]"))
    const row = button?.closest("[data-row]")
    if (!button || !row) return undefined
    // Without this script the button sends the form, and the server does the same.
    event.preventDefault()
    switch (button.dataset.move) {
      case "remove":
        return row.matches("[data-section]") ? this.#removeSection(row) : this.#remove(row)
      case "remove-all":
        return this.#removeAll(row)
      case "keep":
        return showConfirm(row, false)
      default:
        return this.#move(row, button.dataset.move === "up")
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return
    const row = event.target instanceof Element ? event.target.closest("[data-row]") : null
    if (!row) return
    event.preventDefault()
    this.#move(row, event.key === "ArrowUp")
  }

  /**
   * @param {Element} row
   * @param {boolean} isUp
   */
  #move(row, isUp) {
    const before = this.#names
    this.#arrange(moved(before, nameOf(row), isUp))
    if (before.join() === this.#names.join()) {
      this.#say(isUp ? "It is the first already." : "It is the last already.")
      return
    }
    row.scrollIntoView({ block: "nearest" })
    this.#changed()
    this.#say(row.matches("[data-section]") ? "The section has moved." : `Now question ${this.#numberOf(row)}.`)
  }

  /** @param {string[]} names */
  #arrange(names) {
    const rows = new Map(this.#rows.map((row) => [nameOf(row), row]))
    const focused = document.activeElement
    names.forEach((name, place) => {
      const row = rows.get(name)
      if (row && this.#list.children[place] !== row) this.#list.insertBefore(row, this.#list.children[place] ?? null)
    })
    if (focused instanceof HTMLElement && this.contains(focused)) focused.focus({ preventScroll: true })
  }

  // ---- dragging: by the grip, with a mouse, a pen or a finger

  /** @param {PointerEvent} event */
  #drag(event) {
    const touched = event.target instanceof Element ? event.target : null
    if (event.type === "pointerdown") {
      this.#dragged = (event.button === 0 && touched?.closest("[data-grip]")?.closest("[data-row]")) || null
      if (!this.#dragged) return
      event.preventDefault()
      // By the list itself: a row that is moved would lose the pointer.
      this.setPointerCapture(event.pointerId)
      this.#dragged.classList.add("is-dragged")
    } else if (event.type === "pointermove") {
      this.#dragTo(event.clientX, event.clientY)
    } else if (this.#dragged) {
      this.#dragged.classList.remove("is-dragged")
      this.#dragged = null
      this.#changed()
    }
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #dragTo(x, y) {
    const over = document.elementFromPoint(x, y)?.closest("[data-row]")
    if (!this.#dragged || !over || !this.contains(over)) return
    const { top, height } = over.getBoundingClientRect()
    const next = y < top + height / 2 ? over : over.nextElementSibling
    this.#arrange(placed(this.#names, nameOf(this.#dragged), next && nameOf(next)))
  }

  // ---- removing

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

  /** @param {Element} row */
  #removeSection(row) {
    const inside = this.#inside(row).length
    if (inside === 0) return this.#removeAll(row)
    const count = row.querySelector("[data-inside]")
    if (count) count.textContent = String(inside)
    return showConfirm(row, true)
  }

  /** @param {Element} row */
  #removeAll(row) {
    const inside = this.#inside(row)
    for (const one of [row, ...inside]) one.remove()
    this.#changed()
    this.#say(`Section removed, with ${inside.length} questions.`)
  }

  /** @param {Element} heading */
  #inside(heading) {
    const after = this.#rows.slice(this.#rows.indexOf(heading) + 1)
    const end = after.findIndex((row) => row.matches("[data-section]"))
    return end < 0 ? after : after.slice(0, end)
  }

  /**
   * @param {Event} event
   * @param {Element} pressed
   */
  #dropOption(event, pressed) {
    event.preventDefault()
    pressed.closest("[data-option]")?.remove()
    this.#changed()
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
    for (const row of this.#rows) {
      const place = row.querySelector("[data-number]")
      if (place) place.textContent = String(this.#numberOf(row))
    }
  }

  /** @param {Element} row */
  #numberOf(row) {
    return this.#rows.filter((one) => one.matches("[data-question]")).indexOf(row) + 1
  }

  /** @param {string} text */
  #say(text) {
    const place = this.querySelector("[data-said]")
    if (place) place.textContent = text
  }
}

const EVENTS = ["click", "keydown", "pointerdown", "pointermove", "pointerup", "pointercancel"]

/** @param {Element} row */
function nameOf(row) {
  return /** @type {HTMLInputElement | null} */ (row.querySelector("input[name=question]"))?.value ?? ""
}

/**
 * @param {Element} row
 * @param {boolean} isShown
 */
function showConfirm(row, isShown) {
  const asks = /** @type {HTMLElement | null} */ (row.querySelector("[data-confirm]"))
  if (!asks) return
  asks.hidden = !isShown
  const next = isShown ? asks.querySelector("button") : row.querySelector("[data-move=remove]")
  if (next instanceof HTMLElement) next.focus()
}

customElements.define("question-list", QuestionList)
