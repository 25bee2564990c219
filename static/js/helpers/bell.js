/** Wakes whoever waits for it. One ring while nobody waits is kept for the next who does. */
export class Bell {
  #isRung = false
  /** @type {(() => void) | null} */
  #wake = null

  ring() {
    this.#isRung = true
    this.#wake?.()
  }

  /** @returns {Promise<void>} */
  async heard() {
    if (!this.#isRung) {
      await new Promise((resolve) => {
        this.#wake = () => resolve(undefined)
      })
    }
    this.#isRung = false
    this.#wake = null
  }
}
