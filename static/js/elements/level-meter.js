/**
 * @import { SoundLevel } from "../helpers/sound_level.js"
 */

const BARS = 24
// As often as an eye can follow, and no more: it is drawn for as long as an interview lasts, on a
// phone's battery.
const EVERY = 80
const LOWEST = 0.08

/**
 * `<level-meter>`: bars that move with the voice, the newest at the right. For the eyes only;
 * what it means is said in words beside it.
 *
 * One canvas: bars that are elements with transitions cost a third of a processor core.
 */
export class LevelMeter extends HTMLElement {
  /** @type {SoundLevel | null} */
  #source = null
  /** @type {number[]} */
  #heard = new Array(BARS).fill(0)
  #canvas = document.createElement("canvas")
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking

  connectedCallback() {
    this.setAttribute("aria-hidden", "true")
    this.replaceChildren(this.#canvas)
    this.#ticking = setInterval(() => this.#listen(), EVERY)
  }

  disconnectedCallback() {
    clearInterval(this.#ticking)
  }

  /** @param {SoundLevel | null} source */
  set source(source) {
    this.#source = source
  }

  /** The loudest of the last two seconds. */
  get recent() {
    return Math.max(...this.#heard)
  }

  #listen() {
    this.#heard.push(this.#source?.level ?? 0)
    this.#heard.shift()
    if (this.checkVisibility() && !document.hidden) this.#draw()
  }

  #draw() {
    const canvas = this.#canvas
    const { clientWidth, clientHeight } = this
    const width = Math.round(clientWidth * devicePixelRatio)
    const height = Math.round(clientHeight * devicePixelRatio)
    if (canvas.width !== width) canvas.width = width
    if (canvas.height !== height) canvas.height = height
    const pen = canvas.getContext("2d")
    if (!pen) return
    pen.clearRect(0, 0, width, height)
    pen.fillStyle = getComputedStyle(this).color
    const step = width / BARS
    const thick = step * 0.6
    for (const [at, level] of this.#heard.entries()) {
      const tall = height * Math.max(LOWEST, level)
      pen.beginPath()
      pen.roundRect(at * step + (step - thick) / 2, (height - tall) / 2, thick, tall, thick / 2)
      pen.fill()
    }
  }
}

customElements.define("level-meter", LevelMeter)
