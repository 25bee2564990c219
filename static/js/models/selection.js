/**
 * Which of a list's rows are chosen, over its pages: some by their names, or all that match what is
 * asked for. Kept as text, so that it outlives the page.
 */
export class Selection {
  /** @type {Set<string>} */
  #names
  /** @type {string | null} */
  #anchor = null

  /**
   * @param {string | null} kept what `kept` said before
   * @param {string} asked what the list is asked for; what matched something else is given up
   */
  constructor(kept = null, asked = "") {
    const { names, all } = parsed(kept)
    this.asked = asked
    this.#names = new Set(names)
    /** Whether it is all that match. */
    this.isAll = all === asked
  }

  get kept() {
    return this.isEmpty ? null : JSON.stringify({ names: this.names, all: this.isAll ? this.asked : null })
  }

  get names() {
    return [...this.#names]
  }

  get isEmpty() {
    return !this.isAll && this.#names.size === 0
  }

  /** @param {number} found how many match */
  count(found) {
    return this.isAll ? found : this.#names.size
  }

  /** @param {string} name */
  has(name) {
    return this.isAll || this.#names.has(name)
  }

  /**
   * Choose a row, or let it go.
   *
   * @param {string} name
   * @param {string[]} shown the page's rows, in order
   */
  toggle(name, shown) {
    this.#narrow(shown)
    if (!this.#names.delete(name)) this.#names.add(name)
    this.#anchor = name
  }

  /**
   * Choose all from the row that was chosen last to this one.
   *
   * @param {string} name
   * @param {string[]} shown
   */
  extend(name, shown) {
    this.#narrow(shown)
    const to = shown.indexOf(name)
    const from = this.#anchor === null ? to : Math.max(0, shown.indexOf(this.#anchor))
    for (const one of shown.slice(Math.min(from, to), Math.max(from, to) + 1)) this.#names.add(one)
    this.#anchor = name
  }

  /** All that match, on every page. */
  chooseAll() {
    this.isAll = true
  }

  clear() {
    this.#names.clear()
    this.isAll = false
    this.#anchor = null
  }

  /** Of all that match, those on this page stay: the others have no names here. @param {string[]} shown */
  #narrow(shown) {
    if (this.isAll) this.#names = new Set(shown)
    this.isAll = false
  }
}

/** @param {string | null} kept */
function parsed(kept) {
  try {
    const { names, all } = JSON.parse(kept ?? "")
    return { names: Array.isArray(names) ? names.map(String) : [], all }
  } catch {
    return { names: [], all: null }
  }
}
