/**
 * The downloads of a Full Session: a partial that HTMX swaps while one of them is being made. What
 * changed is said aloud, and who pressed something by the keyboard stays at its place.
 */
class DownloadList extends HTMLElement {
  #news = new Map()
  #held = ""

  connectedCallback() {
    this.#news = this.#told()
    this.addEventListener("focusin", this.#hold)
    document.addEventListener("focusin", this.#letGo)
    // Not at the swap: until then HTMX shows the attributes of what was there before.
    this.addEventListener("htmx:afterSettle", this.#look)
  }

  disconnectedCallback() {
    this.removeEventListener("focusin", this.#hold)
    document.removeEventListener("focusin", this.#letGo)
    this.removeEventListener("htmx:afterSettle", this.#look)
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.querySelectorAll("[data-download]")])
  }

  #told() {
    return new Map(this.#items.map((item) => [item.id, item.dataset.news ?? ""]))
  }

  /** @param {Event} event */
  #hold = (event) => {
    this.#held = /** @type {Element} */ (event.target).closest("[data-download]")?.id ?? ""
  }

  /** @param {Event} event */
  #letGo = (event) => {
    if (!this.contains(/** @type {Node} */ (event.target))) this.#held = ""
  }

  #look = () => {
    const told = this.#told()
    const place = this.querySelector("[data-said]")
    for (const [id, news] of told) {
      if (place && news && news !== this.#news.get(id)) place.textContent = news
    }
    this.#news = told
    // The button that was pressed has given way; its item takes the focus, so that a second press
    // of the same key does nothing.
    if (this.#held && document.activeElement === document.body) {
      document.getElementById(this.#held)?.focus({ preventScroll: true })
    }
  }
}

customElements.define("download-list", DownloadList)
