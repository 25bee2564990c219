import { barsOf, clockOf, spanOf, toldGaps } from "../models/playback.js"

/** A bar and the space to the next, in pixels. */
const BAR = 3
/** Pixels that a gap's length takes beside its mark. */
const TOLD = 52
/** Milliseconds between two looks for a waveform that is still being made. */
const LOOKS = [2_000, 4_000, 8_000, 16_000, 32_000]
const STEP = 5

/**
 * The Full Session from end to end: how loud it is, where its parts join and how much was not
 * recorded there, and where it stands. A press seeks, so do the arrow keys.
 */
class RecordingTimeline extends HTMLElement {
  /** @type {import("./recording-player.js").RecordingPlayer | null} */
  #player = null
  #peaks = new Uint8Array()
  #asked = ""
  #shown = ""
  #timer = 0
  #length = 0
  #scheme = matchMedia("(prefers-color-scheme: dark)")
  #observer = new ResizeObserver(() => this.#place())

  connectedCallback() {
    this.#player = this.closest("recording-player")
    this.#player?.addEventListener("recordingshown", this.#look)
    this.#player?.addEventListener("recordingtime", this.#draw)
    this.#scheme.addEventListener("change", this.#draw)
    this.#observer.observe(this)
    this.#bar.addEventListener("click", this.#press)
    this.#bar.addEventListener("keydown", this.#move)
    this.#look()
  }

  disconnectedCallback() {
    this.#player?.removeEventListener("recordingshown", this.#look)
    this.#player?.removeEventListener("recordingtime", this.#draw)
    this.#scheme.removeEventListener("change", this.#draw)
    this.#observer.disconnect()
    clearTimeout(this.#timer)
  }

  get #bar() {
    return /** @type {HTMLElement} */ (this.querySelector("[role=slider]"))
  }

  get #canvas() {
    return /** @type {HTMLCanvasElement} */ (this.querySelector("canvas"))
  }

  /** A Full Session that has come, or a newer one. */
  #look = () => {
    const full = this.#player?.full?.dataset
    this.hidden = !full
    if (!full) return
    const shown = `${full.source} ${full.joins}`
    this.#length = Number(full.length)
    if (shown !== this.#shown) {
      this.#shown = shown
      this.#bar.ariaValueMax = String(Math.floor(this.#length))
      this.#place()
    }
    if (full.peaks && full.peaks !== this.#asked) this.#ask(full.peaks)
    this.#draw()
  }

  /**
   * @param {string} address
   * @param {number} looks how often it was not there
   */
  async #ask(address, looks = 0) {
    if (looks === 0) this.#peaks = new Uint8Array()
    this.#asked = address
    clearTimeout(this.#timer)
    const answer = await fetch(address).catch(() => null)
    if (!this.isConnected || this.#asked !== address) return
    if (answer?.ok) {
      this.#peaks = new Uint8Array(await answer.arrayBuffer())
      this.#draw()
    } else if (looks < LOOKS.length) {
      this.#timer = setTimeout(() => this.#ask(address, looks + 1), LOOKS[looks])
    }
  }

  /** The marks of the joins, and what is told beside them. */
  #place() {
    const canvas = this.#canvas
    const { width, height } = this.#bar.getBoundingClientRect()
    canvas.width = Math.round(width * devicePixelRatio)
    canvas.height = Math.round(height * devicePixelRatio)
    /** @type {import("../models/playback.js").Join[]} */
    const joins = JSON.parse(this.#player?.full?.dataset.joins ?? "[]")
    const told = toldGaps(joins, this.#length, TOLD / Math.max(1, width))
    const marks = joins.map((join, index) => {
      const mark = document.createElement("span")
      mark.className = "timeline__join"
      mark.style.insetInlineStart = `${(join.at / this.#length) * 100}%`
      mark.title = join.gap ? `${join.label}, ${spanOf(join.gap)} not recorded before it` : join.label
      const gap = document.createElement("span")
      gap.className = "timeline__gap"
      gap.textContent = told[index]
      if (told[index]) mark.append(gap)
      return mark
    })
    this.querySelector("[data-joins]")?.replaceChildren(...marks)
    this.#draw()
  }

  #draw = () => {
    const at = this.#player?.at ?? null
    const share = at === null || !this.#length ? 0 : at / this.#length
    this.#bar.ariaValueNow = String(Math.floor(at ?? 0))
    this.#bar.ariaValueText = `${clockOf(at ?? 0)} of ${clockOf(this.#length)}`
    const canvas = this.#canvas
    const brush = canvas.getContext("2d")
    if (!brush || !canvas.width) return
    const style = getComputedStyle(this)
    const [ahead, behind] = [style.color, style.accentColor]
    const bars = barsOf(this.#peaks, Math.floor(canvas.width / (BAR * devicePixelRatio)))
    const step = canvas.width / bars.length
    brush.clearRect(0, 0, canvas.width, canvas.height)
    bars.forEach((loud, number) => {
      const tall = Math.max(2 * devicePixelRatio, loud * canvas.height)
      brush.fillStyle = (number + 0.5) / bars.length <= share ? behind : ahead
      brush.fillRect(number * step, (canvas.height - tall) / 2, step * 0.66, tall)
    })
    brush.fillStyle = behind
    if (share > 0) brush.fillRect(share * canvas.width - 1, 0, 2 * devicePixelRatio, canvas.height)
  }

  /** @param {MouseEvent} event */
  #press = (event) => {
    const { left, width } = this.#bar.getBoundingClientRect()
    this.#player?.seek(((event.clientX - left) / width) * this.#length)
  }

  /** @param {KeyboardEvent} event */
  #move = (event) => {
    const at = this.#player?.at ?? 0
    const there = {
      ArrowLeft: at - STEP,
      ArrowDown: at - STEP,
      ArrowRight: at + STEP,
      ArrowUp: at + STEP,
      PageDown: at - this.#length / 10,
      PageUp: at + this.#length / 10,
      Home: 0,
      End: this.#length,
    }[event.key]
    if (there === undefined) return
    event.preventDefault()
    event.stopPropagation()
    this.#player?.seek(Math.max(0, Math.min(there, this.#length)))
  }
}

customElements.define("recording-timeline", RecordingTimeline)
