/**
 * @import { SoundLevel } from "../helpers/sound_level.js"
 */

const BARS = 24

/**
 * `<level-meter>`: bars that move with the voice, the newest at the right. For the eyes only;
 * what it means is said in words beside it.
 */
export class LevelMeter extends HTMLElement {
  /** @type {SoundLevel | null} */
  #source = null
  /** @type {number[]} */
  #heard = new Array(BARS).fill(0)
  #frame = 0
  #lastAt = 0

  connectedCallback() {
    this.setAttribute("aria-hidden", "true")
    if (this.childElementCount === 0) {
      this.append(...this.#heard.map(() => document.createElement("span")))
    }
    this.#draw()
  }

  disconnectedCallback() {
    cancelAnimationFrame(this.#frame)
  }

  /** @param {SoundLevel | null} source */
  set source(source) {
    this.#source = source
  }

  /** The loudest of the last two seconds. */
  get recent() {
    return Math.max(...this.#heard)
  }

  #draw() {
    this.#frame = requestAnimationFrame((now) => {
      if (now - this.#lastAt > 80) {
        this.#lastAt = now
        this.#heard.push(this.#source?.level ?? 0)
        this.#heard.shift()
        this.#heard.forEach((level, at) => this.#show(at, level))
      }
      this.#draw()
    })
  }

  /**
   * @param {number} at
   * @param {number} level
   */
  #show(at, level) {
    const bar = /** @type {HTMLElement} */ (this.children[at])
    bar.style.setProperty("--level", level.toFixed(2))
  }
}

customElements.define("level-meter", LevelMeter)
