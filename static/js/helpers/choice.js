/**
 * Something that is on or off, as somebody chose in this browser; where it may keep nothing, as they
 * chose on this page.
 */
export class Choice {
  #name
  #usual
  /** @type {boolean | null} */
  #unkept = null

  /**
   * @param {string} name under which the browser keeps it
   * @param {boolean} usual what holds before anybody chose
   */
  constructor(name, usual) {
    this.#name = name
    this.#usual = usual
  }

  get isOn() {
    if (this.#unkept !== null) return this.#unkept
    const kept = this.#kept
    return kept === null ? this.#usual : kept === "on"
  }

  set isOn(on) {
    try {
      localStorage.setItem(this.#name, on ? "on" : "off")
      this.#unkept = null
    } catch {
      // Storage that is full or forbidden: it is forgotten with the page.
      this.#unkept = on
    }
  }

  toggle() {
    this.isOn = !this.isOn
  }

  get #kept() {
    try {
      return localStorage.getItem(this.#name)
    } catch {
      return null
    }
  }
}
