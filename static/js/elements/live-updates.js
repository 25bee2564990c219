/**
 * Hears over the socket that an interview changed and passes it on, as a `changed` event, to what
 * follows it; HTMX then asks over HTTP. Without the socket the same things ask every few seconds.
 * That there is news for the researcher becomes a `news` event of the document. The one in the bar
 * (`data-news`) is about no study, and leaves it to one that is where a page has one.
 */
class LiveUpdates extends HTMLElement {
  /** @type {import("socket.io-client").Socket | undefined} */
  #socket

  async connectedCallback() {
    const isSpare = "news" in this.dataset && document.querySelector("live-updates[data-study]")
    if (isSpare) return
    const { io } = await import("socket.io-client")
    if (!this.isConnected || this.#socket) return
    const study = this.dataset.study ?? ""
    this.#socket = io("/workplace", { transports: ["websocket"], auth: { study } })
    this.#socket.on("changed", ({ interview }) => this.#tell(interview, study))
    this.#socket.on("news", tellNews)
    // The server hangs up where what may be followed has changed: what is left of it is asked anew.
    this.#socket.on("disconnect", (reason) => {
      if (reason !== "io server disconnect") return
      this.#socket?.connect()
      this.#tell(null, study)
    })
    // What changed while the line was down is asked for once it is up again.
    this.#socket.io.on("reconnect", () => {
      this.#tell(null, study)
      tellNews()
    })
  }

  disconnectedCallback() {
    this.#socket?.disconnect()
    this.#socket = undefined
  }

  /**
   * @param {string | null} interview null for whichever one there is
   * @param {string} study
   */
  #tell(interview, study) {
    for (const element of this.querySelectorAll("[data-follows]")) {
      const follows = /** @type {HTMLElement} */ (element).dataset.follows
      if (interview === null || follows === interview || follows === study) {
        element.dispatchEvent(new CustomEvent("changed"))
      }
    }
  }
}

function tellNews() {
  document.dispatchEvent(new CustomEvent("news"))
}

customElements.define("live-updates", LiveUpdates)
