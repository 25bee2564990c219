import { wallClock } from "../helpers/clock.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 * @import { MixingDesk } from "./mixing_desk.js"
 * @import { Words } from "./speaking.js"
 *
 * @typedef {{ began: () => void, signal: AbortSignal }} How
 */

const STARTS_WITHIN = 1_500
const PER_WORD = 400
const AND = 4_000
// Browsers cut off what is longer.
const LONGEST = 200
const OGG = "audio/ogg"
const WAV = "audio/wav"

/** The server's voice: its sound goes through the mixing desk, and so into the recording. */
export class ServerVoice {
  #accepts = `${OGG}, ${WAV};q=0.5`

  /**
   * @param {MixingDesk} desk
   * @param {(url: string, accepts: string) => Promise<ArrayBuffer | null>} get nothing when the
   *   server can't say it
   */
  constructor(desk, get) {
    this.desk = desk
    this.get = get
  }

  /**
   * @param {Words} words
   * @param {How} how
   */
  async say({ url }, { began, signal }) {
    const sound = await this.#sound(url)
    if (!signal.aborted) await this.desk.play(sound, { began, signal })
  }

  /** @param {string} url */
  async #sound(url) {
    try {
      return await this.#load(url)
    } catch (cause) {
      if (!(cause instanceof Undecodable) || this.#accepts === WAV) throw cause
      // Safari learned Ogg late.
      this.#accepts = WAV
      return this.#load(url)
    }
  }

  /** @param {string} url */
  async #load(url) {
    const bytes = await this.get(url, this.#accepts)
    if (!bytes) throw new Error("The server has no voice for this.")
    try {
      return await this.desk.decode(bytes)
    } catch (cause) {
      throw new Undecodable("The browser can't play the server's voice.", { cause })
    }
  }
}

class Undecodable extends Error {}

/** The browser's own voice. It may never begin, never end, or say that it failed. */
export class BrowserVoice {
  /** Else it may be collected while it is spoken, and never ends. @type {SpeechSynthesisUtterance | null} */
  utterance = null

  /**
   * @param {object} [seams]
   * @param {SpeechSynthesis | undefined} [seams.synthesis]
   * @param {typeof SpeechSynthesisUtterance} [seams.Utterance]
   * @param {Clock} [seams.clock]
   */
  constructor({
    synthesis = globalThis.speechSynthesis,
    Utterance = globalThis.SpeechSynthesisUtterance,
    clock = wallClock,
  } = {}) {
    this.synthesis = synthesis
    this.Utterance = Utterance
    this.clock = clock
  }

  /**
   * @param {Words} words
   * @param {How} how
   */
  async say({ text, language }, how) {
    const { synthesis } = this
    if (!synthesis || !this.Utterance) throw new Error("This browser has no voice.")
    // Its queue may be stuck with what another page left there.
    synthesis.cancel()
    const hush = () => synthesis.cancel()
    how.signal.addEventListener("abort", hush)
    try {
      for (const piece of pieces(text)) {
        if (!how.signal.aborted) await this.#utter(synthesis, piece, language, how)
      }
    } finally {
      how.signal.removeEventListener("abort", hush)
      // What has begun too late is not to go on.
      hush()
    }
  }

  /**
   * @param {SpeechSynthesis} synthesis
   * @param {string} text
   * @param {string} language
   * @param {How} how
   */
  async #utter(synthesis, text, language, { began, signal }) {
    const utterance = new this.Utterance(text)
    utterance.lang = language
    this.utterance = utterance
    const over = new AbortController()
    const leave = () => over.abort()
    signal.addEventListener("abort", leave)
    let hasBegun = false
    const outcome = new Promise((resolve, reject) => {
      utterance.addEventListener("start", () => {
        hasBegun = true
        began()
      })
      utterance.addEventListener("end", () => resolve(undefined))
      utterance.addEventListener("error", () => reject(new Error("The browser's voice failed.")))
      over.signal.addEventListener("abort", () => resolve(undefined))
    })
    const watch = async () => {
      await this.clock.sleep(STARTS_WITHIN, over.signal)
      if (!hasBegun && !over.signal.aborted) throw new Error("The browser's voice does not begin.")
      await this.clock.sleep(PER_WORD * text.split(/\s+/).length + AND, over.signal)
      if (!over.signal.aborted) throw new Error("The browser's voice does not say that it ended.")
    }
    try {
      synthesis.speak(utterance)
      await Promise.race([outcome, watch()])
    } finally {
      over.abort()
      signal.removeEventListener("abort", leave)
      this.utterance = null
    }
  }
}

/**
 * A text in pieces that browsers say to their end: at sentences, else between words.
 *
 * @param {string} text
 */
export function pieces(text) {
  const words = text.split(/(?<=[.!?…])\s+/).flatMap((one) => (one.length <= LONGEST ? [one] : one.split(/\s+/)))
  /** @type {string[]} */
  const found = []
  for (const word of words.filter(Boolean)) {
    const last = found.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= LONGEST) found[found.length - 1] = `${last} ${word}`
    else found.push(word)
  }
  return found
}
