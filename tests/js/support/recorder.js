// A browser's recorder and its devices, moved by the test.

export class FakeTrack extends EventTarget {
  readyState = "live"
  muted = false

  constructor(kind, label = `a ${kind} device`) {
    super()
    this.kind = kind
    this.label = label
  }

  getSettings() {
    return { deviceId: this.label }
  }

  stop() {
    this.readyState = "ended"
  }

  isUnplugged() {
    this.readyState = "ended"
    this.dispatchEvent(new Event("ended"))
  }

  mutes(muted = true) {
    this.muted = muted
    this.dispatchEvent(new Event(muted ? "mute" : "unmute"))
  }
}

export class FakeStream {
  /** Of tracks, or of the names of their kinds. */
  constructor(...tracks) {
    this.tracks = tracks.flat().map((track) => (typeof track === "string" ? new FakeTrack(track) : track))
  }

  getTracks() {
    return this.tracks
  }

  getAudioTracks() {
    return this.tracks.filter((track) => track.kind === "audio")
  }

  getVideoTracks() {
    return this.tracks.filter((track) => track.kind === "video")
  }
}

/** A browser's devices: what `getUserMedia` gives, unless `refuses` names an error. */
export class FakeMedia extends EventTarget {
  refuses = () => null
  asked = []
  opened = []

  async getUserMedia(constraints) {
    this.asked.push(constraints)
    const name = this.refuses(constraints)
    if (name) throw Object.assign(new Error(name), { name })
    const kind = constraints.audio ? "audio" : "video"
    const track = new FakeTrack(kind, `${kind} ${this.opened.length + 1}`)
    this.opened.push(track)
    return new FakeStream(track)
  }
}

export const WEBM = ["audio/webm;codecs=opus", "video/webm;codecs=vp8,opus"]

/**
 * A class of recorders, so that each test has its own list of them. They give their first bytes
 * when they start; `mute` ones say that they run and give none.
 */
export function recorders({ types = WEBM, isMute = () => false } = {}) {
  return class FakeRecorder extends EventTarget {
    static made = []
    static isMute = isMute
    state = "inactive"
    mimeType = ""
    held = "[start]"

    static isTypeSupported(type) {
      return types.includes(type)
    }

    static get last() {
      return this.made.at(-1)
    }

    static get tried() {
      return this.made.map(({ options }) => options.mimeType)
    }

    constructor(stream, options) {
      super()
      this.stream = stream
      this.options = options
      FakeRecorder.made.push(this)
    }

    get isMute() {
      return FakeRecorder.isMute(this.options.mimeType, this.stream)
    }

    start(timeslice) {
      this.timeslice = timeslice
      this.state = "recording"
      queueMicrotask(() => {
        this.mimeType = this.options.mimeType ?? "video/x-unknown"
        this.dispatchEvent(new Event("start"))
      })
    }

    gives(text) {
      this.dispatchEvent(Object.assign(new Event("dataavailable"), { data: new Blob([this.isMute ? "" : text]) }))
    }

    requestData() {
      const { held } = this
      if (!this.isMute) this.held = ""
      this.gives(held)
    }

    stop() {
      this.state = "inactive"
      queueMicrotask(() => {
        this.gives("[end]")
        this.dispatchEvent(new Event("stop"))
      })
    }

    breaks() {
      this.state = "inactive"
      this.dispatchEvent(new Event("error"))
      this.gives("[what was left]")
      this.dispatchEvent(new Event("stop"))
    }
  }
}
