/** How close to its beginning or end a recording still counts as not being watched, in seconds. */
const EDGE = 0.5

/**
 * Plays the clip or the Full Session whose chip is pressed.
 *
 * The chips are a partial that HTMX swaps while a merge runs. The media element is outside of it and
 * never touched by a swap, so what plays goes on; after each swap the chips are only marked anew.
 */
class RecordingPlayer extends HTMLElement {
  /** @type {HTMLMediaElement | null} */
  #media = null
  #source = ""
  #state = ""
  #observer = new MutationObserver(() => this.#look())
  /** @type {Element | null} */
  #scope = null

  connectedCallback() {
    this.#scope = this.closest("#detail") ?? this
    this.#scope.addEventListener("click", this.#press)
    this.#observer.observe(this, { childList: true })
    this.#look()
  }

  disconnectedCallback() {
    this.#scope?.removeEventListener("click", this.#press)
    this.#observer.disconnect()
    this.#media?.pause()
  }

  get #chips() {
    return /** @type {HTMLElement[]} */ ([...this.querySelectorAll("[data-source]")])
  }

  get #full() {
    return this.#chips.find((chip) => "full" in chip.dataset)
  }

  get #isBeingWatched() {
    const media = this.#media
    if (!media || media.error || media.ended) return false
    return !media.paused || media.currentTime > EDGE
  }

  /** What the chips say now: something to play at last, a Full Session, or a newer one. */
  #look() {
    const full = this.#full
    const first = this.#chips[0]
    if (first && !this.#media) this.#choose(first)
    if (full && full.dataset.source !== this.#source && !this.#isBeingWatched) this.#choose(full)
    this.#mark()
    const partial = /** @type {HTMLElement | null} */ (this.querySelector("[data-recording]"))
    this.#stage.classList.toggle("player__stage--picture", partial?.dataset.picture === "yes")
    const state = partial?.dataset.state ?? ""
    if (this.#state && this.#state !== state) this.#announce(state)
    this.#state = state
  }

  get #stage() {
    return /** @type {HTMLElement} */ (this.querySelector("[data-stage]"))
  }

  /** @param {Event} event */
  #press = (event) => {
    const pressed = /** @type {Element} */ (event.target)
    const chip = /** @type {HTMLElement | null} */ (pressed.closest("[data-source]"))
    if (chip) this.#choose(chip, { isToPlay: true })
    const turn = /** @type {HTMLElement | null} */ (pressed.closest("[data-play-part]"))
    if (turn) this.#playFrom(turn)
  }

  /** A place in the Full Session, or in the turn's own clip while there is none. @param {HTMLElement} turn */
  #playFrom(turn) {
    const { playAt, playInClip, playPart } = turn.dataset
    const full = this.#full
    if (full && playAt) return this.#choose(full, { at: Number(playAt), isToPlay: true })
    const clip = this.#chips.find((chip) => chip.dataset.part === playPart)
    if (clip) this.#choose(clip, { at: Number(playInClip), isToPlay: true })
  }

  /**
   * @param {HTMLElement} chip
   * @param {{ at?: number, isToPlay?: boolean }} [from]
   */
  #choose(chip, { at, isToPlay = false } = {}) {
    const media = this.#mediaOf(chip.dataset.kind ?? "audio")
    if (chip.dataset.source !== this.#source || media.error) {
      this.#source = chip.dataset.source ?? ""
      media.src = this.#source
      media.setAttribute("aria-label", chip.firstChild?.textContent?.trim() || "Full Session")
    }
    // Set before the data is there, it is where the element begins.
    if (at !== undefined) media.currentTime = at
    // Refused where the browser lets nothing play by itself; then its own button is there.
    if (isToPlay) media.play().catch(() => {})
    this.#mark()
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
    media.addEventListener("error", this.#recover)
    // A Full Session that came meanwhile had to wait.
    media.addEventListener("ended", () => this.#look())
    // From now on it stays in sight, however far down the transcript is read.
    media.addEventListener("play", () => (this.#stage.dataset.started = ""), { once: true })
    this.#stage.querySelector("[data-frame]")?.replaceChildren(media)
    this.#stage.hidden = false
    this.#media = media
    this.#source = ""
    return media
  }

  #tellTime = () => {
    const at = this.#source === this.#full?.dataset.source ? this.#media?.currentTime : null
    this.dispatchEvent(new CustomEvent("recordingtime", { bubbles: true, detail: { at } }))
  }

  /** A Full Session that was replaced while it played goes on in the newer one. */
  #recover = () => {
    const full = this.#full
    const at = this.#media?.currentTime
    if (full && full.dataset.source !== this.#source) this.#choose(full, { at })
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

customElements.define("recording-player", RecordingPlayer)
