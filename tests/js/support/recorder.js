// A browser's recorder, moved by the test.

export class FakeTrack extends EventTarget {
  readyState = "live"

  constructor(kind) {
    super()
    this.kind = kind
  }

  isUnplugged() {
    this.readyState = "ended"
    this.dispatchEvent(new Event("ended"))
  }
}

export class FakeStream {
  constructor(...kinds) {
    this.tracks = kinds.map((kind) => new FakeTrack(kind))
  }

  getAudioTracks() {
    return this.tracks.filter((track) => track.kind === "audio")
  }

  getVideoTracks() {
    return this.tracks.filter((track) => track.kind === "video")
  }
}

/** A class of recorders, so that each test has its own list of them. */
export function recorders({ types = ["audio/webm;codecs=opus", "video/webm;codecs=vp8,opus"] } = {}) {
  return class FakeRecorder extends EventTarget {
    static made = []
    state = "inactive"
    mimeType = ""

    static isTypeSupported(type) {
      return types.includes(type)
    }

    static get last() {
      return this.made.at(-1)
    }

    constructor(stream, options) {
      super()
      this.stream = stream
      this.options = options
      FakeRecorder.made.push(this)
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
      this.dispatchEvent(Object.assign(new Event("dataavailable"), { data: new Blob([text]) }))
    }

    requestData() {
      this.gives("")
    }

    stop() {
      this.state = "inactive"
      queueMicrotask(() => {
        this.gives("[the end]")
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
