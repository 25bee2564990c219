import { wallClock } from "../helpers/clock.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 *
 * Why a device cannot be used: a word for the page to put into a sentence.
 * @typedef {"refused" | "none" | "busy" | "insecure" | "unknown"} Trouble
 */

/** @type {Record<string, Trouble>} */
const TROUBLES = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
}

export class DeviceError extends Error {
  /** @param {Trouble} trouble */
  constructor(trouble) {
    super(`The device cannot be used: ${trouble}.`)
    this.trouble = trouble
  }
}

/**
 * The participant's microphone and camera. The two are asked for apart, so that a camera that
 * can't be used never costs the voice.
 *
 * Events: `microphone-ended`, `microphone-unmuted`, `camera-ended`, `camera-unmuted`, as the system
 * takes them away and gives them back; `loudspeaker` when the sound goes to another one.
 */
export class Devices extends EventTarget {
  /** @type {MediaStreamTrack | null} */
  microphone = null
  /** @type {MediaStreamTrack | null} */
  camera = null
  /** Whether the camera is open and left out of the recording, because it gives no picture. */
  isCameraResting = false
  /** Where the moderator's voice comes from; empty for the system's own choice. */
  loudspeaker = ""
  /** The one that was chosen, there or not. */
  wantedLoudspeaker = ""
  #mutedAt = 0
  #closings = 0

  /**
   * @param {MediaDevices | undefined} media
   * @param {boolean} canRecord
   * @param {Clock} clock
   */
  constructor(
    media = globalThis.navigator?.mediaDevices,
    canRecord = "MediaRecorder" in globalThis,
    clock = wallClock,
  ) {
    super()
    this.media = media
    this.canRecord = canRecord
    this.clock = clock
    media?.addEventListener?.("devicechange", () => this.#findLoudspeaker())
  }

  /** What is open now, as one stream for a recorder. */
  get stream() {
    const camera = this.isCameraResting ? null : this.camera
    const tracks = [this.microphone, camera].filter((track) => track !== null)
    return new MediaStream(tracks)
  }

  /** For how many milliseconds the system, or another program, has muted the microphone. */
  get mutedFor() {
    return this.microphone?.muted ? this.clock.now() - this.#mutedAt : 0
  }

  /** The microphone's name as people know it; empty when the browser keeps it secret. */
  get microphoneName() {
    return this.microphone?.label.replace(/^(Default|Communications) - /, "") ?? ""
  }

  /** @param {string} [id] */
  async openMicrophone(id) {
    const sound = { echoCancellation: true, noiseSuppression: true, channelCount: { ideal: 1 } }
    const closings = this.#closings
    const track = await this.#track({ audio: { ...exactly(id), ...sound } }, id)
    if (closings !== this.#closings) {
      // Nobody is here any more whom it should hear.
      track.stop()
      throw new DeviceError("unknown")
    }
    this.microphone?.stop()
    this.microphone = track
    this.#mutedAt = this.clock.now()
    this.#follow("microphone", track)
    track.addEventListener("mute", () => {
      this.#mutedAt = this.clock.now()
    })
  }

  /** Open the same microphone once more: some fall silent and are cured by it. */
  async reopenMicrophone() {
    await this.openMicrophone(this.microphone?.getSettings().deviceId)
  }

  /** @param {string} [id] */
  async openCamera(id) {
    // Some phones can't open a second camera beside the first.
    this.closeCamera()
    const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24, max: 30 } }
    this.camera = await this.#track({ video: { ...exactly(id), ...size, ...(!id && { facingMode: "user" }) } }, id)
    this.#follow("camera", this.camera)
  }

  /** The camera's light goes off only when its track is stopped. */
  closeCamera() {
    this.camera?.stop()
    this.camera = null
    this.isCameraResting = false
  }

  close() {
    this.#closings += 1
    this.closeCamera()
    this.microphone?.stop()
    this.microphone = null
  }

  /**
   * Have the sound come from that loudspeaker, or from the system's own choice as long as it is gone.
   *
   * @param {string} [id]
   */
  async chooseLoudspeaker(id = "") {
    this.wantedLoudspeaker = id
    await this.#findLoudspeaker()
  }

  async #findLoudspeaker() {
    const found = this.wantedLoudspeaker ? await this.choices("audiooutput").catch(() => []) : []
    const id = found.find(({ deviceId }) => deviceId === this.wantedLoudspeaker)?.deviceId ?? ""
    if (id === this.loudspeaker) return
    this.loudspeaker = id
    this.dispatchEvent(new Event("loudspeaker"))
  }

  /**
   * Devices to choose from. They have names only once one of them may be used.
   *
   * @param {"audioinput" | "videoinput" | "audiooutput"} kind
   */
  async choices(kind) {
    const all = (await this.media?.enumerateDevices()) ?? []
    return all.filter((device) => device.kind === kind && device.deviceId !== "")
  }

  /**
   * @param {"microphone" | "camera"} kind
   * @param {MediaStreamTrack} track
   */
  #follow(kind, track) {
    const tell = (/** @type {string} */ what) => {
      if (track === this[kind]) this.dispatchEvent(new Event(`${kind}-${what}`))
    }
    track.addEventListener("ended", () => tell("ended"))
    track.addEventListener("unmute", () => tell("unmuted"))
  }

  /**
   * @param {MediaStreamConstraints} constraints
   * @param {string} [id]
   * @returns {Promise<MediaStreamTrack>}
   */
  async #track(constraints, id) {
    if (!this.media?.getUserMedia || !this.canRecord) throw new DeviceError("insecure")
    try {
      return (await this.media.getUserMedia(constraints)).getTracks()[0]
    } catch (cause) {
      const name = cause instanceof Error ? cause.name : ""
      // A device that was chosen earlier and is no longer there: any other one will do.
      if (id && TROUBLES[name] === "none") return this.#track(without(constraints), undefined)
      throw new DeviceError(TROUBLES[name] ?? "unknown")
    }
  }
}

/** @param {string} [id] */
function exactly(id) {
  return id ? { deviceId: { exact: id } } : {}
}

/** @param {MediaStreamConstraints} constraints */
function without({ audio, video }) {
  return { ...(audio && { audio: true }), ...(video && { video: true }) }
}
