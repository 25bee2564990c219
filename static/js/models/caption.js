import { wallClock } from "../helpers/clock.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 *
 * What the server has of an answer's words by now.
 * @typedef {{ words: string, isDraft: boolean, isAwaited: boolean }} Facts
 */

// Mostly the words are there with the next question or a moment later. What takes longer than all
// of this comes too late to be of use beneath it.
const LOOK_AGAIN_AFTER = [1_000, 2_000, 4_000, 8_000, 15_000]

/**
 * What was understood of one spoken answer, as soon as the server knows it.
 *
 * Event: `changed`.
 */
export class Caption extends EventTarget {
  words = ""
  isDraft = true
  #url = ""
  #run = new AbortController()

  /**
   * @param {object} seams
   * @param {(url: string) => Promise<Facts>} seams.get
   * @param {Clock} [seams.clock]
   */
  constructor({ get, clock = wallClock }) {
    super()
    this.get = get
    this.clock = clock
  }

  /**
   * Find out about the answer at that address and forget any other; with none, only forget.
   *
   * @param {string} url
   */
  async follow(url) {
    if (url === this.#url) return
    this.#url = url
    this.#run.abort()
    this.#run = new AbortController()
    this.#take({ words: "", isDraft: true })
    if (url) await this.#ask(url, this.#run.signal)
  }

  /**
   * @param {string} url
   * @param {AbortSignal} signal
   */
  async #ask(url, signal) {
    for (const pause of [...LOOK_AGAIN_AFTER, 0]) {
      const facts = await this.get(url).catch(missing)
      if (signal.aborted) return
      if (!facts.isAwaited) {
        this.#take(facts)
        return
      }
      if (pause) await this.clock.sleep(pause, signal)
      if (signal.aborted) return
    }
  }

  /** @param {{ words: string, isDraft: boolean }} facts */
  #take({ words, isDraft }) {
    if (words === this.words) return
    this.words = words
    this.isDraft = isDraft
    this.dispatchEvent(new Event("changed"))
  }
}

/**
 * Where the network failed it is asked again; a server that says no means it.
 *
 * @param {unknown} cause
 * @returns {Facts}
 */
function missing(cause) {
  const status = cause instanceof Error && "status" in cause ? Number(cause.status) : 0
  return { words: "", isDraft: true, isAwaited: status === 0 || status >= 500 }
}
