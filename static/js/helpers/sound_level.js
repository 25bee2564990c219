/** How loud a microphone is, for a meter that moves. */
export class SoundLevel {
  /** @type {AudioContext | null} */
  #context = null
  /** @type {AnalyserNode | null} */
  #analyser = null
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null
  #samples = new Float32Array(1024)

  /** @param {MediaStreamTrack} track */
  listen(track) {
    this.#context ??= new AudioContext()
    this.#analyser ??= new AnalyserNode(this.#context, { fftSize: 1024 })
    this.#source?.disconnect()
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]))
    this.#source.connect(this.#analyser)
    this.wake()
  }

  /** After a reload browsers keep sound asleep until the first touch of a key or the page. */
  wake() {
    const { state } = this.#context ?? {}
    // A phone call leaves it “interrupted” where iOS runs.
    if (state && state !== "running" && state !== "closed") this.#context?.resume().catch(() => undefined)
  }

  /** Whether the level means anything. */
  get isAwake() {
    return this.#context?.state === "running"
  }

  /** From 0, silence, to 1, very loud; as ears hear it. */
  get level() {
    if (!this.#analyser) return 0
    this.#analyser.getFloatTimeDomainData(this.#samples)
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length
    const decibels = 10 * Math.log10(power + 1e-10)
    return Math.min(1, Math.max(0, (decibels + 60) / 50))
  }

  close() {
    this.#context?.close().catch(() => undefined)
    this.#context = this.#analyser = this.#source = null
  }
}
