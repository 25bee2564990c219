import { momentIn, Places } from "../models/playback.js"

/** How close to its beginning or end a recording still counts as not being watched, in seconds. */
const EDGE = 0.5

/**
 * Plays the clip or the Full Session whose chip is pressed.
 *
 * The chips are a partial that HTMX swaps while a merge runs. The media element is outside of it and
 * never touched by a swap, so what plays goes on; after each swap the chips are only marked anew.
 */
export class RecordingPlayer extends HTMLElement {
  /** @type {HTMLMediaElement | null} */
  #media = null
  #source = ""
  /** Whether that is, or was, the Full Session. */
  #isFull = false
  /** Where it stood last, for when its file is replaced by a newer one. */
  #last = { at: 0, isPlaying: false }
  #state = ""
  #observer = new MutationObserver(() => this.#look())
  /** @type {Element | null} */
  #scope = null
  #places = new Places(localStorageOrNone())
  /** Where the address or an earlier visit leads to, until somebody plays something. @type {number | null} */
  #awaited = null

  connectedCallback() {
    const interview = this.dataset.interview ?? ""
    const isAddressed = location.pathname.endsWith(`/${interview}`)
    this.#awaited = (isAddressed ? momentIn(location.search) : null) ?? this.#places.of(interview)
    this.#scope = this.closest("#detail") ?? this
    this.#scope.addEventListener("click", this.#press)
    this.#scope.addEventListener("wordchosen", this.#goToWord)
    this.#observer.observe(this, { childList: true })
    this.#look()
  }

  disconnectedCallback() {
    this.#scope?.removeEventListener("click", this.#press)
    this.#scope?.removeEventListener("wordchosen", this.#goToWord)
    this.#observer.disconnect()
    this.#keepPlace()
    this.#media?.pause()
  }

  get #chips() {
    return /** @type {HTMLElement[]} */ ([...this.querySelectorAll("[data-source]")])
  }

  /** The chip of the Full Session, if there is one. */
  get full() {
    return this.#chips.find((chip) => "full" in chip.dataset)
  }

  /** What plays, or would. */
  get media() {
    return this.#media
  }

  /** The chip of what plays, or would. */
  get chosen() {
    return this.#chips.find((chip) => chip.dataset.source === this.#source)
  }

  /** Seconds into the Full Session; null while something else is chosen. */
  get at() {
    const isCurrent = this.#source !== "" && this.#source === this.full?.dataset.source
    return isCurrent ? (this.#media?.currentTime ?? null) : null
  }

  /** To a place in the Full Session, which is chosen for it. @param {number} at */
  seek(at) {
    if (this.full) this.#choose(this.full, { at })
  }

  get #isBeingWatched() {
    const media = this.#media
    if (!media || media.error || media.ended) return false
    return !media.paused || media.currentTime > EDGE
  }

  /** What the chips say now: something to play at last, a Full Session, or a newer one. */
  #look() {
    const full = this.full
    const first = this.#chips[0]
    if (full && this.#awaited !== null && !this.#isBeingWatched) {
      const at = this.#awaited
      this.#awaited = null
      this.#choose(full, { at })
    }
    if (first && !this.#media) this.#choose(first)
    if (full && full.dataset.source !== this.#source && !this.#isBeingWatched) this.#replace(full)
    this.#mark()
    const partial = /** @type {HTMLElement | null} */ (this.querySelector("[data-recording]"))
    this.stage.classList.toggle("player__stage--picture", partial?.dataset.picture === "yes")
    const state = partial?.dataset.state ?? ""
    if (this.#state && this.#state !== state) this.#announce(state)
    this.#state = state
    this.dispatchEvent(new CustomEvent("recordingshown"))
  }

  get stage() {
    return /** @type {HTMLElement} */ (this.querySelector("[data-stage]"))
  }

  /** @param {Event} event */
  #press = (event) => {
    const pressed = /** @type {Element} */ (event.target)
    const chip = /** @type {HTMLElement | null} */ (pressed.closest("[data-source]"))
    if (chip) this.#choose(chip, { isToPlay: true })
    const turn = /** @type {HTMLElement | null} */ (pressed.closest("[data-play-part]"))
    if (turn) this.#goTo(turn, { isToPlay: true })
  }

  /** What plays goes on from there; what stands still stays so. @param {Event} event */
  #goToWord = (event) => {
    const { after } = /** @type {CustomEvent<{ after: number }>} */ (event).detail
    this.#goTo(/** @type {HTMLElement} */ (event.target), { after })
  }

  /**
   * A place in the Full Session, or in the turn's own clip while there is none.
   *
   * @param {HTMLElement} turn
   * @param {{ after?: number, isToPlay?: boolean }} how `after`: seconds after the turn began
   */
  #goTo(turn, { after = 0, isToPlay = false }) {
    const { playAt, playInClip, playPart } = turn.dataset
    const full = this.full
    if (full && playAt) return this.#choose(full, { at: Number(playAt) + after, isToPlay })
    const clip = this.#chips.find((chip) => chip.dataset.part === playPart)
    if (clip) this.#choose(clip, { at: Number(playInClip) + after, isToPlay })
  }

  /**
   * @param {HTMLElement} chip
   * @param {{ at?: number, isToPlay?: boolean }} [from]
   */
  #choose(chip, { at, isToPlay = false } = {}) {
    const media = this.#mediaOf(chip.dataset.kind ?? "audio")
    if (isToPlay) this.#awaited = null
    if (chip.dataset.source !== this.#source || media.error) {
      this.#source = chip.dataset.source ?? ""
      this.#isFull = "full" in chip.dataset
      this.#last = { at: at ?? 0, isPlaying: isToPlay }
      this.#complain("")
      media.src = this.#source
      if (media instanceof HTMLVideoElement) media.poster = chip.dataset.poster ?? ""
      media.setAttribute("aria-label", chip.firstChild?.textContent?.trim() || "Full Session")
    }
    // Set before the data is there, it is where the element begins.
    if (at !== undefined) media.currentTime = at
    // Refused where the browser lets nothing play by itself; then its own button is there.
    if (isToPlay) media.play().catch(() => {})
    this.#mark()
    this.dispatchEvent(new CustomEvent("recordingshown"))
  }

  /** @param {string} kind */
  #mediaOf(kind) {
    if (this.#media?.localName === kind) return this.#media
    this.#media?.pause()
    const media = kind === "video" ? document.createElement("video") : new Audio()
    media.controls = true
    media.preload = "metadata"
    media.setAttribute("playsinline", "")
    media.addEventListener("timeupdate", this.#tellTime)
    media.addEventListener("seeking", this.#tellTime)
    media.addEventListener("pause", this.#keepPlace)
    media.addEventListener("play", () => (this.#last.isPlaying = true))
    media.addEventListener("pause", () => (this.#last.isPlaying &&= media.error !== null))
    media.addEventListener("seeked", this.#keepPlace)
    media.addEventListener("error", this.#recover)
    // A Full Session that came meanwhile had to wait.
    media.addEventListener("ended", () => this.#look())
    // From now on it stays in sight, however far down the transcript is read.
    media.addEventListener("play", () => (this.stage.dataset.started = ""), { once: true })
    this.stage.querySelector("[data-frame]")?.replaceChildren(media)
    this.stage.hidden = false
    this.#media = media
    this.#source = ""
    return media
  }

  #tellTime = () => {
    if (this.#media && !this.#media.error) this.#last.at = this.#media.currentTime
    const detail = { at: this.at }
    this.dispatchEvent(new CustomEvent("recordingtime", { bubbles: true, detail }))
  }

  #keepPlace = () => {
    const { at } = this
    if (at !== null) this.#places.keep(this.dataset.interview ?? "", at, this.#media?.duration ?? NaN)
  }

  /** A Full Session that was replaced while it played goes on in the newer one. */
  #recover = () => {
    const full = this.full
    if (!this.#isFull) this.#complain("This browser cannot play this clip. Its bytes are kept; the Full Session may play.")
    else if (full && full.dataset.source !== this.#source) this.#replace(full)
  }

  /** @param {HTMLElement} full the newest Full Session, instead of whatever is chosen */
  #replace(full) {
    const { at, isPlaying } = this.#last
    const isBroken = this.#isFull && this.#media?.error
    this.#choose(full, isBroken ? { at, isToPlay: isPlaying } : {})
  }

  /** @param {string} text */
  #complain(text) {
    const place = /** @type {HTMLElement | null} */ (this.querySelector("[data-trouble]"))
    if (!place) return
    place.textContent = text
    place.hidden = !text
  }

  #mark() {
    for (const chip of this.#chips) {
      chip.setAttribute("aria-pressed", String(chip.dataset.source === this.#source))
    }
  }

  /** @param {string} state */
  #announce(state) {
    const place = this.querySelector("[data-said]")
    const words = this.querySelector("[data-words]")?.textContent?.replace(/\s+/g, " ").trim()
    if (place) place.textContent = state === "ready" ? "The Full Session is ready." : (words ?? "")
    // The transcript's places are by the Full Session's clock from now on, and it asks for them.
    this.dispatchEvent(new CustomEvent("recordingchange", { bubbles: true }))
  }
}

function localStorageOrNone() {
  try {
    return localStorage
  } catch {
    return { getItem: () => null, setItem: () => {} }
  }
}

customElements.define("recording-player", RecordingPlayer)
