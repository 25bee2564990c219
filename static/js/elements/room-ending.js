import { piece } from "../helpers/pieces.js"
import { BLOCKED } from "../helpers/words.js"

/**
 * @import { Uplink } from "../models/uplink.js"
 */

/** `<room-ending>`: brings the last bytes home and shows how far they are. */
export class RoomEnding extends HTMLElement {
  /**
   * Resolves when everything that can be sent was sent and `told`, the server's word that it knows
   * of the end, has come.
   *
   * @param {Uplink} uplink
   * @param {Promise<unknown>} told
   */
  async finish(uplink, told) {
    const all = uplink.waiting
    const bar = piece(this, "progress", HTMLProgressElement)
    const show = () => {
      bar.value = all > 0 ? Math.max(bar.value, 1 - uplink.waiting / all) : 0.9
      this.dataset.waitingBytes = String(uplink.waiting)
      piece(this, "trouble").textContent = uplink.blocked ? BLOCKED[uplink.blocked] : ""
      piece(this, "trouble").hidden = !uplink.blocked
    }
    show()
    uplink.addEventListener("progress", show)
    await Promise.all([uplink.drained(), told])
    uplink.removeEventListener("progress", show)
    bar.value = 1
  }
}

customElements.define("room-ending", RoomEnding)
