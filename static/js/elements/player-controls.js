import { clockOf, nextRate, questionNextTo, RATES, skipped } from "../models/playback.js"

const SKIP = 10
const NUDGE = 5
const KEYS = new Map([
  [" ", "toggle"],
  ["k", "toggle"],
  ["j", "back"],
  ["l", "forward"],
  ["ArrowLeft", "nudgeBack"],
  ["ArrowRight", "nudgeForward"],
  [",", "previousQuestion"],
  [".", "nextQuestion"],
  ["<", "slower"],
  [">", "faster"],
  ["c", "captions"],
])

/**
 * What can be done with what plays, by button and by key while the player has the focus: skip, go to
 * the question before or after, change the speed, leave the page for a small picture.
 */
class PlayerControls extends HTMLElement {
  /** @type {import("./recording-player.js").RecordingPlayer | null} */
  #player = null
  #rate = 1

  connectedCallback() {
    this.#player = this.closest("recording-player")
    this.#player?.addEventListener("keydown", this.#press)
    this.#player?.addEventListener("recordingshown", this.#look)
    this.#player?.addEventListener("recordingtime", this.#link)
    this.#player?.addEventListener("captionschange", this.#look)
    // Chosen in the browser's own menu. It does not bubble.
    this.#player?.addEventListener("ratechange", this.#follow, true)
    this.addEventListener("click", this.#act)
    this.addEventListener("change", this.#choose)
    this.#look()
  }

  disconnectedCallback() {
    this.#player?.removeEventListener("keydown", this.#press)
    this.#player?.removeEventListener("recordingshown", this.#look)
    this.#player?.removeEventListener("recordingtime", this.#link)
    this.#player?.removeEventListener("captionschange", this.#look)
    this.#player?.removeEventListener("ratechange", this.#follow, true)
    this.removeEventListener("click", this.#act)
    this.removeEventListener("change", this.#choose)
  }

  get #media() {
    return this.#player?.media ?? null
  }

  get #captions() {
    return /** @type {import("./player-captions.js").PlayerCaptions | null} */ (
      this.#player?.querySelector("player-captions") ?? null
    )
  }

  /** @type {Record<string, () => void>} */
  #acts = {
    toggle: () => (this.#media?.paused ? this.#media.play().catch(() => {}) : this.#media?.pause()),
    back: () => this.#skip(-SKIP),
    forward: () => this.#skip(SKIP),
    nudgeBack: () => this.#skip(-NUDGE),
    nudgeForward: () => this.#skip(NUDGE),
    previousQuestion: () => this.#toQuestion(-1),
    nextQuestion: () => this.#toQuestion(1),
    slower: () => this.#play(nextRate(this.#rate, -1)),
    faster: () => this.#play(nextRate(this.#rate, 1)),
    small: () => this.#leave(),
    captions: () => this.#captions?.toggle(),
  }

  /** @param {KeyboardEvent} event */
  #press = (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return
    const target = /** @type {Element} */ (event.target)
    const act = KEYS.get(event.key)
    const isOurs = this.#player?.stage?.contains(target)
    // A button is pressed by the space bar, and a list chosen from by the arrows.
    const isItsOwn = (event.key === " " && target.matches("button")) || target.matches("select")
    if (!act || !isOurs || isItsOwn) return
    event.preventDefault()
    this.#acts[act]()
  }

  /** @param {Event} event */
  #act = (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-act]")
    if (button instanceof HTMLElement) this.#acts[button.dataset.act ?? ""]?.()
  }

  /** @param {Event} event */
  #choose = (event) => {
    if (event.target instanceof HTMLSelectElement) this.#play(Number(event.target.value))
  }

  /** @param {number} by */
  #skip(by) {
    const media = this.#media
    if (media) media.currentTime = skipped(media.currentTime, by, media.duration)
  }

  /** @param {number} step */
  #toQuestion(step) {
    const at = this.#player?.at ?? null
    const there = at === null ? undefined : questionNextTo(this.#questions, at, step)
    if (there !== undefined) this.#player?.seek(there)
  }

  get #questions() {
    const asked = this.closest("#detail")?.querySelectorAll("[data-question][data-at]") ?? []
    return [...asked].map((turn) => Number(/** @type {HTMLElement} */ (turn).dataset.at))
  }

  #follow = () => {
    const rate = this.#media?.playbackRate ?? this.#rate
    if (rate !== this.#rate && this.#media?.readyState) this.#play(rate)
  }

  /** @param {number} rate */
  #play(rate) {
    this.#rate = rate
    this.#look()
  }

  #leave() {
    const media = this.#media
    if (!(media instanceof HTMLVideoElement)) return
    if (document.pictureInPictureElement) document.exitPictureInPicture().catch(() => {})
    else media.requestPictureInPicture().catch(() => {})
  }

  /** Another source begins at the usual speed by itself, and is told the one that was chosen. */
  #look = () => {
    const media = this.#media
    this.hidden = !media
    if (!media) return
    media.defaultPlaybackRate = media.playbackRate = this.#rate
    const select = this.querySelector("select")
    if (select) select.value = String(RATES.includes(this.#rate) ? this.#rate : 1)
    const canLeave = media instanceof HTMLVideoElement && document.pictureInPictureEnabled
    for (const button of this.querySelectorAll("button")) {
      const { act } = button.dataset
      if (act === "small") button.hidden = !canLeave
      if (act === "captions") button.ariaPressed = String(this.#captions?.areOn ?? false)
      if (act?.endsWith("Question")) button.disabled = this.#player?.at === null
    }
    this.#link()
  }

  /** The link to this moment is there before it is asked for. */
  #link = () => {
    const copy = /** @type {HTMLElement | null} */ (this.querySelector("copy-button"))
    const field = this.querySelector("input")
    const at = this.#player?.at ?? null
    if (!copy || !field) return
    copy.hidden = at === null
    const address = new URL(this.dataset.address ?? "", location.href)
    address.searchParams.set("t", String(Math.floor(at ?? 0)))
    field.value = address.href
    copy.title = `Copy a link to ${clockOf(at ?? 0)}`
  }
}

customElements.define("player-controls", PlayerControls)
