/**
 * @typedef {"sound" | "picture"} Kind
 *
 * What outlives a reload, see helpers/kept.js.
 * @typedef {{ get: (key: string) => string | null, set: (key: string, value: string | null) => void }} Memory
 */

// Each line is one way to write a file; the first of a line that the browser has is as good as its
// others. `avc1` writes the picture's size once and a camera that is turned breaks the file.
const OPUS = ["audio/webm;codecs=opus"]
const AAC = ["audio/mp4;codecs=mp4a.40.2", "audio/mp4;codecs=opus", "audio/mp4"]
const VP9 = ["video/webm;codecs=vp9,opus"]
const VP8 = ["video/webm;codecs=vp8,opus"]
const H264 = [
  "video/mp4;codecs=avc3.42E01F,mp4a.40.2",
  "video/mp4;codecs=avc3.42E01F,opus",
  "video/mp4;codecs=avc1.42E01F,mp4a.40.2",
  "video/mp4",
]
// A type that has worked before may fail a few times before it is called broken.
const STRIKES = 3

/** No type is left in which this browser records sound, or a picture. */
export class CannotRecord extends Error {
  /**
   * @param {Kind} kind
   * @param {boolean} isForGood nothing was ever recorded here
   */
  constructor(kind, isForGood) {
    super(`This browser records no ${kind}.`)
    this.kind = kind
    this.isForGood = isForGood
  }
}

/**
 * The types in which this browser records, the best first, and which of them keep their promise:
 * some browsers say that they have a type and then write no byte of it.
 */
export class RecordingTypes {
  /** @type {Set<string>} */
  #proven = new Set()
  /** @type {Map<string, number>} */
  #strikes = new Map()
  /** @type {Memory | null} */
  #memory = null

  /**
   * @param {object} [seams]
   * @param {{ isTypeSupported: (type: string) => boolean }} [seams.Recorder]
   * @param {boolean} [seams.isWeak] a device that had better not encode VP9
   * @param {boolean} [seams.isApple] WebKit, whose MP4 comes from the hardware and whose WebM is young
   */
  constructor({ Recorder = globalThis.MediaRecorder, isWeak = hasFewCores(), isApple = isWebKit() } = {}) {
    this.Recorder = Recorder
    const webm = isWeak ? [VP8, VP9] : [VP9, VP8]
    /** @type {Record<Kind, string[][]>} */
    this.ways = {
      sound: isApple ? [AAC, OPUS] : [OPUS, AAC],
      picture: isApple ? [H264, ...webm] : [...webm, H264],
    }
  }

  /**
   * Know what earlier pages found out, and tell later ones.
   *
   * @param {Memory} memory
   */
  remember(memory) {
    this.#memory = memory
    try {
      const { proven = [], broken = [] } = JSON.parse(memory.get("types") ?? "{}")
      this.#proven = new Set(proven)
      this.#strikes = new Map(broken.map((/** @type {string} */ type) => [type, STRIKES]))
    } catch {
      memory.set("types", null)
    }
  }

  /**
   * The best type that is not known to be broken; an empty one leaves the choice to the browser.
   * Throws `CannotRecord` when there is none left. Types that once worked may then be tried again.
   *
   * @param {Kind} kind
   */
  best(kind) {
    const types = this.#supported(kind)
    // Some headsets need seconds before they deliver. Without another type that must not be the end.
    const patience = kind === "sound" && types.length === 1 ? 2 : 1
    const best = types.find((type) => !this.#isBroken(type, patience))
    if (best !== undefined) return best
    for (const type of this.#proven) this.#strikes.delete(type)
    throw new CannotRecord(kind, this.#proven.size === 0)
  }

  /**
   * Whether a type worked before and has not failed too often since.
   *
   * @param {string} type
   */
  isWorthAnother(type) {
    return this.#proven.has(type) && !this.#isBroken(type)
  }

  /**
   * A recording in this type went on for a while.
   *
   * @param {string} type
   */
  prove(type) {
    if (this.#proven.has(type) && !this.#strikes.has(type)) return
    this.#proven.add(type)
    this.#strikes.delete(type)
    this.#keep()
  }

  /**
   * A recording in this type failed, and its devices were not to blame.
   *
   * @param {string} type
   */
  doubt(type) {
    this.#strikes.set(type, (this.#strikes.get(type) ?? 0) + 1)
    this.#keep()
  }

  /** Somebody wants to try everything once more. */
  forgive() {
    this.#strikes.clear()
    this.#keep()
  }

  /** @param {Kind} kind */
  #supported(kind) {
    const isSupported = (/** @type {string} */ type) => this.Recorder.isTypeSupported(type)
    const types = this.ways[kind].map((way) => way.find(isSupported)).filter((type) => type !== undefined)
    return types.length > 0 ? types : [""]
  }

  /**
   * @param {string} type
   * @param {number} [patience] with one that has never worked
   */
  #isBroken(type, patience = 1) {
    return (this.#strikes.get(type) ?? 0) >= (this.#proven.has(type) ? STRIKES : patience)
  }

  #keep() {
    const broken = [...this.#strikes.keys()].filter((type) => !this.#proven.has(type))
    this.#memory?.set("types", JSON.stringify({ proven: [...this.#proven], broken }))
  }
}

function hasFewCores() {
  return (globalThis.navigator?.hardwareConcurrency ?? 4) < 4
}

function isWebKit() {
  return /^Apple/.test(globalThis.navigator?.vendor ?? "")
}
