/**
 * Time as the models see it, so that tests can bring their own.
 *
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970
 * @property {(ms: number, signal?: AbortSignal) => Promise<void>} sleep ends early when the signal does
 */

/** @type {Clock} */
export const wallClock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    if (signal?.aborted) return
    await new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        signal?.removeEventListener("abort", wake)
        resolve(undefined)
      }
      const timer = setTimeout(wake, ms)
      signal?.addEventListener("abort", wake)
    })
  },
}

/** Pauses between attempts: they grow from 1 to 30 seconds, and no two browsers agree on them. */
export class Backoff {
  #attempts = 0

  /** @param {() => number} random */
  constructor(random = Math.random) {
    this.random = random
  }

  get isFresh() {
    return this.#attempts === 0
  }

  next() {
    const longest = Math.min(30_000, 2_000 * 2 ** this.#attempts++)
    return 1_000 + this.random() * (longest - 1_000)
  }

  reset() {
    this.#attempts = 0
  }
}
