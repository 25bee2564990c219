import { wallClock } from "../helpers/clock.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 *
 * Few browsers can choose the loudspeaker yet.
 * @typedef {AudioContext & { setSinkId?: (id: string) => Promise<void> }} Routable
 */

// Where the page was touched it may sound, and only the loudspeaker has still to be opened: Firefox
// takes a second for that, and on a machine without one it never says so.
const OPEN_WITHIN = 2_500
const AWAKE_WITHIN = 300
const MOVED_WITHIN = 1_000
const LOOK = 500
const AND = 2_000

/**
 * Plays the moderator's voice, and mixes it with the microphone for the recorder. Where it can't,
 * there is no mix, and the microphone is recorded as it is: no word is ever lost for the voice.
 *
 * Event: `failed` when a mix that is being recorded no longer is one. There is none after that.
 */
export class MixingDesk extends EventTarget {
  /** @type {AudioContext | null} */
  #context = null
  /** What is played, on its way into the mix. @type {GainNode | null} */
  #voice = null
  #hasFailed = false
  #loudspeaker = ""
  #soundsFrom = ""
  /** Its sound is on the way to another loudspeaker, and may stand still meanwhile. */
  #isMoving = false
  /** Whether it was waited for long, and in vain. */
  #isHopeless = false
  /** The mix that is being recorded. */
  #mix = new AbortController()

  /**
   * @param {object} [seams]
   * @param {typeof globalThis.AudioContext} [seams.Context]
   * @param {() => boolean} [seams.isWanted] whether there will be anything to mix
   * @param {() => boolean} [seams.isTouched] whether the page may sound
   * @param {Clock} [seams.clock]
   */
  constructor({ Context = globalThis.AudioContext, isWanted = () => true, isTouched = wasTouched, clock = wallClock } = {}) {
    super()
    this.Context = Context
    this.isWanted = isWanted
    this.isTouched = isTouched
    this.clock = clock
    this.#mix.abort()
  }

  get isAwake() {
    return this.#context?.state === "running"
  }

  /** Browsers keep sound asleep until the page is touched, and after a phone call. */
  wake() {
    try {
      this.#context ??= this.#open()
    } catch (cause) {
      console.warn(cause)
      return
    }
    if (!this.isAwake && this.#context.state !== "closed") this.#context.resume().catch(() => undefined)
  }

  #open() {
    const context = new this.Context()
    this.#voice = context.createGain()
    context.addEventListener("statechange", () => !this.isAwake && this.#fail())
    this.#move(context)
    return context
  }

  /**
   * Have the voice come from that loudspeaker, or from the usual one where it can't. What is
   * recorded goes on.
   *
   * @param {string} id empty for the usual one
   */
  async sound(id) {
    this.#loudspeaker = id
    if (this.#context) await this.#move(this.#context)
  }

  /** @param {Routable} context */
  async #move(context) {
    if (this.#isMoving || !context.setSinkId || this.#soundsFrom === this.#loudspeaker) return
    this.#isMoving = true
    // Another one may be chosen meanwhile.
    while (this.#soundsFrom !== this.#loudspeaker) {
      const id = this.#loudspeaker
      if (await this.#hasMoved(context, id)) this.#soundsFrom = id
      else if (id === "") break
      else if (id === this.#loudspeaker) this.#loudspeaker = ""
    }
    this.#isMoving = false
    this.wake()
  }

  /**
   * The stream with the voice mixed into its sound, for a recorder, or null. It is released by the
   * next one, or by `release`.
   *
   * @param {MediaStream} stream
   */
  async mix(stream) {
    this.release()
    const [microphone] = stream.getAudioTracks()
    if (this.#hasFailed || !microphone || !this.isWanted()) return null
    this.wake()
    await this.#isAwakeInTime()
    if (!this.isAwake) return null
    try {
      return this.#mixed(stream, microphone)
    } catch (cause) {
      console.warn(cause)
      this.giveUp()
      return null
    }
  }

  /** The recorder has ended. */
  release() {
    this.#mix.abort()
  }

  /** The mix cannot be recorded: the next recorder gets none. */
  giveUp() {
    this.#hasFailed = true
  }

  /** @param {ArrayBuffer} bytes */
  async decode(bytes) {
    this.wake()
    if (!this.#context) throw new Error("This browser mixes no sound.")
    return this.#context.decodeAudioData(bytes)
  }

  /**
   * Resolves when all was played or `signal` ended it.
   *
   * @param {AudioBuffer} sound
   * @param {{ began: () => void, signal: AbortSignal }} how
   */
  async play(sound, { began, signal }) {
    this.wake()
    await this.#isAwakeInTime()
    const context = this.#context
    if (!context || !this.#voice || !this.isAwake) throw new Error("The browser lets nothing sound yet.")
    if (signal.aborted) return
    const source = context.createBufferSource()
    source.buffer = sound
    source.connect(context.destination)
    source.connect(this.#voice)
    const over = new AbortController()
    const leave = () => over.abort()
    signal.addEventListener("abort", leave)
    source.addEventListener("ended", leave)
    source.start()
    began()
    // One that is interrupted meanwhile never says that it ended.
    await this.clock.sleep(sound.duration * 1_000 + AND, over.signal)
    signal.removeEventListener("abort", leave)
    source.stop()
    source.disconnect()
  }

  /**
   * @param {MediaStream} stream
   * @param {MediaStreamTrack} microphone
   */
  #mixed(stream, microphone) {
    const context = /** @type {AudioContext} */ (this.#context)
    const voice = /** @type {GainNode} */ (this.#voice)
    const out = context.createMediaStreamDestination()
    // As the microphone is, so that mixed and plain parts are alike.
    out.channelCount = 1
    const heard = context.createMediaStreamSource(new MediaStream([microphone]))
    heard.connect(out)
    voice.connect(out)
    const mix = new AbortController()
    mix.signal.addEventListener("abort", () => {
      heard.disconnect()
      voice.disconnect(out)
      for (const track of out.stream.getTracks()) track.stop()
    })
    this.#mix = mix
    this.#watch(context, mix.signal)
    return new MediaStream([...out.stream.getAudioTracks(), ...stream.getVideoTracks()])
  }

  /**
   * Some stand still and don't say so.
   *
   * @param {AudioContext} context
   * @param {AbortSignal} signal
   */
  async #watch(context, signal) {
    let heardUntil = context.currentTime
    for (;;) {
      await this.clock.sleep(LOOK, signal)
      if (signal.aborted) return
      if (context.currentTime === heardUntil) this.#fail()
      heardUntil = context.currentTime
    }
  }

  /**
   * What is recorded may be silent as long as it takes, so that is not long.
   *
   * @param {Routable} context
   * @param {string} id
   */
  async #hasMoved(context, id) {
    const over = new AbortController()
    const late = this.clock.sleep(MOVED_WITHIN, over.signal).then(() => false)
    const moved = context.setSinkId?.(id).then(
      () => true,
      (cause) => {
        console.warn(cause)
        return false
      },
    )
    const hasMoved = await Promise.race([moved ?? false, late])
    over.abort()
    return hasMoved
  }

  #fail() {
    if (this.#mix.signal.aborted || this.#isMoving) return
    this.#hasFailed = true
    // The recorder still has to give what it has; it is released when that has ended.
    this.dispatchEvent(new Event("failed"))
  }

  async #isAwakeInTime() {
    const context = this.#context
    if (!context || this.isAwake) return
    const enough = new AbortController()
    const look = () => this.isAwake && enough.abort()
    context.addEventListener("statechange", look)
    const isHopeful = this.isTouched() && !this.#isHopeless
    await this.clock.sleep(isHopeful ? OPEN_WITHIN : AWAKE_WITHIN, enough.signal)
    context.removeEventListener("statechange", look)
    if (isHopeful) this.#isHopeless = !this.isAwake
  }
}

/** @param {typeof globalThis.AudioContext | undefined} [Context] */
export function canChooseLoudspeaker(Context = globalThis.AudioContext) {
  return Context !== undefined && "setSinkId" in Context.prototype
}

function wasTouched() {
  return globalThis.navigator?.userActivation?.hasBeenActive ?? false
}
