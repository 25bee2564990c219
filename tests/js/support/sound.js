// A browser's sound, moved by the test.
import { FakeStream, FakeTrack } from "./recorder.js"

class FakeNode extends EventTarget {
  to = new Set()

  connect(other) {
    this.to.add(other)
  }

  disconnect(other) {
    if (other) this.to.delete(other)
    else this.to.clear()
  }
}

/** A class of contexts, so that each test has its own list of them. */
export function contexts({ state = "running", mayWake = true } = {}) {
  return class FakeContext extends EventTarget {
    static made = []
    static get last() {
      return this.made.at(-1)
    }

    state = state
    destination = new FakeNode()
    sources = []
    outs = []
    isStuck = false
    #time = 0

    constructor() {
      super()
      FakeContext.made.push(this)
    }

    /** It goes on between any two looks. */
    get currentTime() {
      if (!this.isStuck) this.#time += 0.1
      return this.#time
    }

    async resume() {
      if (mayWake) this.becomes("running")
    }

    becomes(other) {
      this.state = other
      this.dispatchEvent(new Event("statechange"))
    }

    createGain() {
      this.voice = new FakeNode()
      return this.voice
    }

    createMediaStreamDestination() {
      const out = Object.assign(new FakeNode(), { stream: new FakeStream(new FakeTrack("audio", "the mix")) })
      this.outs.push(out)
      return out
    }

    createMediaStreamSource(stream) {
      this.heard = Object.assign(new FakeNode(), { stream })
      return this.heard
    }

    createBufferSource() {
      const source = Object.assign(new FakeNode(), { isPlaying: false })
      source.start = () => {
        source.isPlaying = true
      }
      source.stop = () => {
        source.isPlaying = false
      }
      this.sources.push(source)
      return source
    }

    async decodeAudioData(bytes) {
      const text = new TextDecoder().decode(bytes)
      if (text.startsWith("?")) throw new Error("no such format")
      return { duration: 2, text }
    }
  }
}

/** The same where the loudspeaker can be chosen: the sound stands still while it moves. */
export function routable(Context, there) {
  return class extends Context {
    sinkId = ""
    moves = []

    async setSinkId(id) {
      this.moves.push(id)
      this.becomes("suspended")
      await Promise.resolve()
      this.becomes("running")
      if (id && !there.includes(id)) throw Object.assign(new Error("no such device"), { name: "NotFoundError" })
      this.sinkId = id
    }
  }
}

/** A browser's own voice: what it does with what it is given is for the test to say. */
export function browserVoice(does) {
  const said = []
  class Utterance extends EventTarget {
    constructor(text) {
      super()
      this.text = text
    }

    tells(...names) {
      for (const name of names) this.dispatchEvent(new Event(name))
    }
  }
  const synthesis = {
    said,
    cancelled: 0,
    speak: (utterance) => {
      said.push(utterance)
      does(utterance)
    },
    cancel: () => {
      synthesis.cancelled += 1
    },
  }
  return { synthesis, Utterance }
}
