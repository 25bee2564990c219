import { Choice } from "../helpers/choice.js"

/**
 * Captions of what plays, switched on and off and remembered on this device. Over a picture the
 * browser shows them; where there is only sound they stand here.
 */
export class PlayerCaptions extends HTMLElement {
  /** @type {import("./recording-player.js").RecordingPlayer | null} */
  #player = null
  /** @type {Element | null} */
  #scope = null
  /** @type {HTMLTrackElement | null} */
  #track = null
  #address = ""
  /** How often the transcript has changed since the page was opened. */
  #changes = 0

  #choice = new Choice("qualz:player-captions", false)

  connectedCallback() {
    this.#player = this.closest("recording-player")
    this.#scope = this.closest("#detail")
    this.#player?.addEventListener("recordingshown", this.#look)
    this.#scope?.addEventListener("transcriptshown", this.#renew)
    this.#look()
  }

  disconnectedCallback() {
    this.#player?.removeEventListener("recordingshown", this.#look)
    this.#scope?.removeEventListener("transcriptshown", this.#renew)
    this.#remove()
  }

  get areOn() {
    return this.#choice.isOn
  }

  toggle() {
    this.#set(!this.areOn)
  }

  /** @param {boolean} areOn */
  #set(areOn) {
    this.#choice.isOn = areOn
    this.#look()
    this.dispatchEvent(new CustomEvent("captionschange", { bubbles: true }))
  }

  /** What is read has changed, by a correction or by more that was said. */
  #renew = () => {
    this.#changes += 1
    this.#look()
  }

  #look = () => {
    const media = this.#player?.media
    const { captions, language } = this.#player?.chosen?.dataset ?? {}
    if (!this.areOn || !media || !captions) return this.#remove()
    const address = new URL(captions, location.href)
    address.searchParams.set("change", String(this.#changes))
    if (address.href === this.#address && this.#track?.parentElement === media) return
    this.#remove()
    const track = document.createElement("track")
    track.kind = "captions"
    track.label = "Captions"
    track.srclang = language ?? ""
    track.src = this.#address = address.href
    const isShownByItself = media instanceof HTMLVideoElement
    media.append(track)
    track.track.mode = isShownByItself ? "showing" : "hidden"
    this.hidden = isShownByItself
    if (!isShownByItself) track.track.addEventListener("cuechange", this.#draw)
    // Switched off in the browser's own menu.
    media.textTracks.onchange = () => {
      if (this.#track === track && this.areOn && track.track.mode === "disabled") this.#set(false)
    }
    this.#track = track
  }

  #remove() {
    if (this.#track?.parentElement instanceof HTMLMediaElement) this.#track.parentElement.textTracks.onchange = null
    this.#track?.remove()
    this.#track = null
    this.#address = ""
    this.hidden = true
    this.replaceChildren()
  }

  #draw = () => {
    const cues = [...(this.#track?.track.activeCues ?? [])]
    this.replaceChildren(
      ...cues.map((cue) => {
        const line = document.createElement("p")
        line.append(/** @type {VTTCue} */ (cue).getCueAsHTML())
        return line
      }),
    )
  }
}

customElements.define("player-captions", PlayerCaptions)
