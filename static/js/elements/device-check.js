import { piece, pieceIfAny } from "../helpers/pieces.js"
import { translate } from "../helpers/translate.js"
import { SoundLevel } from "../helpers/sound_level.js"
import { CAMERA_TROUBLE, DEVICE_TROUBLES, howToAllow } from "../helpers/words.js"
import { DeviceError } from "../models/devices.js"
import { canChooseLoudspeaker } from "../models/mixing_desk.js"
import { CameraSwitch } from "./camera-switch.js"
import { LevelMeter } from "./level-meter.js"

/**
 * @import { Devices, Trouble } from "../models/devices.js"
 *
 * How the participant takes part.
 * @typedef {object} Choice
 * @property {"voice" | "typing"} mode
 * @property {string} [microphone]
 * @property {boolean} camera
 * @property {string} [cameraId]
 * @property {string} [loudspeaker]
 */

const AUDIBLE = 0.45

/**
 * `<device-check>`: asks for the microphone, shows that it hears, lets the participant choose.
 * Its `ready` event carries the choice; the devices are then open.
 */
export class DeviceCheck extends HTMLElement {
  /** @type {Devices | null} */
  #devices = null
  /** @type {Trouble | null} */
  #trouble = null
  #sound = new SoundLevel()
  #watching = 0
  /** @type {AbortController | null} */
  #open = null

  /**
   * @param {Devices} devices
   * @param {Partial<Choice>} [wanted] what was chosen earlier
   * @param {unknown} [cause] what went wrong with it
   */
  begin(devices, wanted = {}, cause = undefined) {
    this.#devices = devices
    this.#open?.abort()
    this.#open = new AbortController()
    const { signal } = this.#open
    const on = (/** @type {string} */ name, /** @type {string} */ event, /** @type {(event: Event) => void} */ react) =>
      pieceIfAny(this, name)?.addEventListener(event, react, { signal })
    on("again", "click", () => this.#ask(wanted))
    on("start", "click", () => this.#finish("voice"))
    on("type", "click", () => this.#finish("typing"))
    on("microphone", "change", () => this.#ask({ ...this.#choice("voice"), microphone: this.#select("microphone").value }))
    on("loudspeaker", "change", () => this.#devices?.chooseLoudspeaker(this.#select("loudspeaker").value))
    on("camera", "change", () => this.#useCamera(true, this.#select("camera").value))
    const switchCamera = (/** @type {Event} */ event) => {
      // The room's own switch is another one.
      event.stopPropagation()
      this.#useCamera(/** @type {CustomEvent} */ (event).detail)
    }
    this.addEventListener("camera-wanted", switchCamera, { signal })
    addEventListener("pointerdown", () => this.#sound.wake(), { signal })
    addEventListener("keydown", () => this.#sound.wake(), { signal })
    const look = () => (this.#trouble === "none" ? this.#ask(wanted) : this.#list())
    navigator.mediaDevices?.addEventListener("devicechange", look, { signal })
    if (cause) this.#explain(cause)
    else this.#ask(wanted)
  }

  disconnectedCallback() {
    this.#leave()
  }

  /** @param {Partial<Choice>} wanted */
  async #ask(wanted) {
    this.dataset.state = "asking"
    this.#trouble = null
    try {
      await this.#devices?.openMicrophone(wanted.microphone)
    } catch (cause) {
      return this.#explain(cause)
    }
    this.#listen()
    await this.#devices?.chooseLoudspeaker(wanted.loudspeaker ?? this.#devices.wantedLoudspeaker)
    this.dataset.state = "ready"
    if (wanted.camera ?? this.dataset.camera === "on_by_default") await this.#useCamera(true, wanted.cameraId)
    await this.#list()
  }

  #listen() {
    const track = this.#devices?.microphone
    if (!track) return
    this.#sound.listen(track)
    const meter = piece(this, "meter-check", LevelMeter)
    meter.source = this.#sound
    this.#say("heard", translate("Say a few words. The bars move when we hear you."))
    clearInterval(this.#watching)
    this.#watching = setInterval(() => {
      if (meter.recent < AUDIBLE) return
      this.#say("heard", translate("We can hear you."))
      this.dataset.heard = "true"
    }, 300)
  }

  /**
   * @param {boolean} on
   * @param {string} [id]
   */
  async #useCamera(on, id) {
    const toggle = this.querySelector("camera-switch")
    if (!(toggle instanceof CameraSwitch) || !this.#devices) return
    toggle.isBusy = true
    this.#say("camera-trouble", "")
    try {
      if (on) await this.#devices.openCamera(id)
      else this.#devices.closeCamera()
    } catch {
      this.#say("camera-trouble", CAMERA_TROUBLE)
    }
    toggle.isBusy = false
    toggle.isOn = this.#devices.camera !== null
    this.#preview()
    await this.#list()
  }

  #preview() {
    const video = piece(this, "preview", HTMLVideoElement)
    const track = this.#devices?.camera
    video.srcObject = track ? new MediaStream([track]) : null
    this.dataset.picture = String(Boolean(track))
  }

  async #list() {
    const { microphone, camera } = this.#devices ?? {}
    const fill = async (/** @type {string} */ name, /** @type {"audioinput" | "videoinput"} */ kind, /** @type {MediaStreamTrack | null | undefined} */ track) => {
      if (!pieceIfAny(this, name)) return
      const found = (await this.#devices?.choices(kind)) ?? []
      const chosen = track?.getSettings().deviceId
      const options = found.map((device, at) => {
        const isChosen = device.deviceId === chosen
        const number = at + 1
        const unnamed = kind === "audioinput" ? translate("Microphone {number}", { number }) : translate("Camera {number}", { number })
        return new Option(device.label || unnamed, device.deviceId, isChosen, isChosen)
      })
      this.#select(name).replaceChildren(...options)
      this.#select(name).disabled = options.length < 2
    }
    await fill("microphone", "audioinput", microphone)
    await fill("camera", "videoinput", camera)
    if (pieceIfAny(this, "loudspeaker")) await this.#listLoudspeakers()
  }

  /** Nothing is to be seen of them where the browser decides alone. */
  async #listLoudspeakers() {
    const all = (await this.#devices?.choices("audiooutput")) ?? []
    // Some browsers list the system's own choice too, as one more.
    const found = all.filter(({ deviceId }) => deviceId !== "default")
    const { loudspeaker = "" } = this.#devices ?? {}
    const options = found.map(({ label, deviceId }, at) => {
      const isChosen = deviceId === loudspeaker
      return new Option(label || translate("Loudspeaker {number}", { number: at + 1 }), deviceId, isChosen, isChosen)
    })
    const usual = new Option(translate("The usual one"), "", loudspeaker === "", loudspeaker === "")
    this.#select("loudspeaker").replaceChildren(usual, ...options)
    piece(this, "loudspeakers").hidden = !canChooseLoudspeaker() || found.length < 2
  }

  /** @param {unknown} cause */
  #explain(cause) {
    const trouble = cause instanceof DeviceError ? cause.trouble : "unknown"
    this.#trouble = trouble
    const { title, text } = DEVICE_TROUBLES[trouble]
    this.#say("trouble-title", title)
    this.#say("trouble-text", text)
    const steps = trouble === "refused" ? howToAllow() : []
    piece(this, "trouble-steps").replaceChildren(
      ...steps.map((step) => Object.assign(document.createElement("li"), { textContent: step })),
    )
    this.dataset.state = "trouble"
  }

  /** @param {"voice" | "typing"} mode */
  #finish(mode) {
    const choice = this.#choice(mode)
    if (mode === "typing") this.#devices?.close()
    this.#leave()
    this.dispatchEvent(new CustomEvent("ready", { detail: choice }))
  }

  /**
   * @param {"voice" | "typing"} mode
   * @returns {Choice}
   */
  #choice(mode) {
    const { microphone, camera } = this.#devices ?? {}
    return {
      mode,
      microphone: microphone?.getSettings().deviceId,
      camera: mode === "voice" && Boolean(camera),
      cameraId: camera?.getSettings().deviceId,
      loudspeaker: this.#devices?.wantedLoudspeaker,
    }
  }

  #leave() {
    this.#open?.abort()
    clearInterval(this.#watching)
    this.#sound.close()
    const video = pieceIfAny(this, "preview")
    if (video instanceof HTMLVideoElement) video.srcObject = null
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #say(name, text) {
    const place = pieceIfAny(this, name)
    if (place && place.textContent !== text) place.textContent = text
  }

  /** @param {string} name */
  #select(name) {
    return piece(this, name, HTMLSelectElement)
  }
}

customElements.define("device-check", DeviceCheck)
