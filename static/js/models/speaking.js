import { wallClock } from "../helpers/clock.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 *
 * What is to be said, and where the server has it as sound.
 * @typedef {{ text: string, language: string, url: string }} Words
 *
 * Calls `began` with the first sound. Resolves when all was said or `signal` ended it, rejects when
 * it can't be said this way.
 * @typedef {{ say: (words: Words, how: { began: () => void, signal: AbortSignal }) => Promise<void> }} Voice
 *
 * Why it is quiet again.
 * @typedef {"said" | "interrupted" | "answered" | "muted" | "stopped"} Why
 */

const LOOK = 50
// The echo of its own first words is no interruption; how loud that is says what one would be.
const DEAF_FOR = 1_000
const SPOKEN_FOR = 500
// A pause between two words of whoever interrupts.
const BREATH = 200
const HEARD = 0.35
const LOUDER = 0.1

/**
 * The moderator speaks: by the first voice that can, until somebody else does.
 *
 * Events: `began`, `ended` (detail: `Why`) once it began, `silent` when no voice can say it or it
 * is not wanted. The text is on the screen whatever happens.
 */
export class Speaking extends EventTarget {
  /** @type {Words | null} */
  #words = null
  #run = new AbortController()
  #hasBegun = false

  /**
   * @param {object} seams
   * @param {Voice[]} seams.voices the best first
   * @param {() => number} [seams.level] how loud the participant is, from 0 to 1
   * @param {() => boolean} [seams.isWanted]
   * @param {Clock} [seams.clock]
   */
  constructor({ voices, level = () => 0, isWanted = () => true, clock = wallClock }) {
    super()
    this.voices = voices
    this.level = level
    this.isWanted = isWanted
    this.clock = clock
    this.#run.abort()
  }

  get isSpeaking() {
    return this.#hasBegun && !this.#run.signal.aborted
  }

  /**
   * Say something instead of what is being said. Resolves when it is quiet again.
   *
   * @param {Words} words
   */
  async say(words) {
    this.stop()
    this.#words = words
    const run = new AbortController()
    this.#run = run
    this.#hasBegun = false
    for (const voice of this.isWanted() ? this.voices : []) {
      if (this.#hasBegun || run.signal.aborted) break
      await this.#try(voice, words, run)
    }
    if (run.signal.aborted) return
    run.abort()
    this.dispatchEvent(this.#hasBegun ? new CustomEvent("ended", { detail: "said" }) : new Event("silent"))
  }

  /** Say once more what was said last. */
  async again() {
    if (this.#words) await this.say(this.#words)
  }

  /** @param {Why} why */
  stop(why = "stopped") {
    const { isSpeaking } = this
    this.#run.abort()
    if (isSpeaking) this.dispatchEvent(new CustomEvent("ended", { detail: why }))
  }

  /**
   * @param {Voice} voice
   * @param {Words} words
   * @param {AbortController} run
   */
  async #try(voice, words, run) {
    // A voice that was given up may still begin.
    const attempt = new AbortController()
    const { signal } = attempt
    run.signal.addEventListener("abort", () => attempt.abort(), { signal })
    const began = () => {
      if (signal.aborted || this.#hasBegun) return
      this.#hasBegun = true
      this.dispatchEvent(new Event("began"))
      this.#listen(signal)
    }
    try {
      await voice.say(words, { began, signal })
    } catch (cause) {
      console.warn(cause)
    }
    attempt.abort()
  }

  /**
   * Stop when the participant speaks.
   *
   * @param {AbortSignal} signal
   */
  async #listen(signal) {
    const began = this.clock.now()
    let [echo, spoken, quiet, lookedAt] = [0, 0, 0, began]
    for (;;) {
      await this.clock.sleep(LOOK, signal)
      if (signal.aborted) return
      const [now, level] = [this.clock.now(), this.level()]
      const passed = Math.min(now - lookedAt, 2 * LOOK)
      lookedAt = now
      if (now - began <= DEAF_FOR) {
        echo = Math.max(echo, level)
        continue
      }
      const isHeard = level > Math.max(HEARD, echo + LOUDER)
      quiet = isHeard ? 0 : quiet + passed
      spoken = isHeard ? spoken + passed : quiet > BREATH ? 0 : spoken
      if (spoken >= SPOKEN_FOR) {
        this.stop("interrupted")
        return
      }
    }
  }
}
