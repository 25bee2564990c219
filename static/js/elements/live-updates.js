/**
 * Hears over the socket that an interview changed and passes it on, as a `changed` event, to what
 * follows it; HTMX then asks over HTTP. Without the socket the same things ask every few seconds.
 */
class LiveUpdates extends HTMLElement {
  /** @type {import("socket.io-client").Socket | undefined} */
  #socket

  async connectedCallback() {
    const { io } = await import("socket.io-client")
    if (!this.isConnected || this.#socket) return
    const study = this.dataset.study ?? ""
    this.#socket = io("/workplace", { transports: ["websocket"], auth: { study } })
    this.#socket.on("changed", ({ interview }) => this.#tell(interview, study))
    // What changed while the line was down is asked for once it is up again.
    this.#socket.io.on("reconnect", () => this.#tell(null, study))
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

customElements.define("live-updates", LiveUpdates)
