/**
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
 */
export class Devices {
  /** @type {MediaStreamTrack | null} */
  microphone = null
  /** @type {MediaStreamTrack | null} */
  camera = null

  /**
   * @param {MediaDevices | undefined} media
   * @param {boolean} canRecord
   */
  constructor(media = globalThis.navigator?.mediaDevices, canRecord = "MediaRecorder" in globalThis) {
    this.media = media
    this.canRecord = canRecord
  }

  /** What is open now, as one stream for a recorder. */
  get stream() {
    const tracks = [this.microphone, this.camera].filter((track) => track !== null)
    return new MediaStream(tracks)
  }

  /** @param {string} [id] */
  async openMicrophone(id) {
    const track = await this.#track({ audio: { ...exactly(id), echoCancellation: true, noiseSuppression: true } }, id)
    this.microphone?.stop()
    this.microphone = track
  }

  /** @param {string} [id] */
  async openCamera(id) {
    // Some phones can't open a second camera beside the first.
    this.closeCamera()
    const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24, max: 30 } }
    this.camera = await this.#track({ video: { ...exactly(id), ...size, ...(!id && { facingMode: "user" }) } }, id)
  }

  /** The camera's light goes off only when its track is stopped. */
  closeCamera() {
    this.camera?.stop()
    this.camera = null
  }

  close() {
    this.closeCamera()
    this.microphone?.stop()
    this.microphone = null
  }

  /**
   * Devices to choose from. They have names only once one of them may be used.
   *
   * @param {"audioinput" | "videoinput"} kind
   */
  async choices(kind) {
    const all = (await this.media?.enumerateDevices()) ?? []
    return all.filter((device) => device.kind === kind && device.deviceId !== "")
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
