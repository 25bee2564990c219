import { sha256 } from "../helpers/digest.js"
import { IndexedStore } from "./indexed_store.js"
import { MemoryStore } from "./memory_store.js"
import { readBack } from "./reading_back.js"

// With the pauses between attempts that is some minutes.
const GIVEN_UP_AFTER = 8

/**
 * A part as the journal knows it.
 *
 * @typedef {object} Part
 * @property {string} key this browser's own name for it
 * @property {string} interview
 * @property {string} mimeType as the recorder reports it
 * @property {boolean} camera
 * @property {"desktop" | "phone"} device
 * @property {string} startedAt
 * @property {string | null} [returnKey] lets this browser in again should it lose its cookie
 * @property {string | null} uploadUrl where the server takes it, once it was created there
 * @property {number} offset how many bytes the server holds durably
 * @property {number} size how many bytes were recorded so far
 * @property {number} ms the recorder's clock at the end of those bytes
 * @property {number | null} length how many bytes it has in all, once its recorder has stopped
 * @property {string | null} endReason
 * @property {string | null} endedAt
 * @property {number | null} endedMs the recorder's clock when it stopped, if it could still tell
 * @property {boolean} isClosed whether the server knows its length and end
 * @property {string} lastByteAt
 *
 * @typedef {Pick<Part, "key" | "interview" | "mimeType" | "camera" | "device" | "startedAt">} NewPart
 *
 * @typedef {object} Chunk
 * @property {string} part
 * @property {number} offset
 * @property {number} length
 * @property {string} hash
 * @property {number} ms the recorder's clock at its end
 * @property {ArrayBuffer} data
 *
 * Where parts and chunks are kept. Each call is whole or absent.
 * @typedef {object} Store
 * @property {(part: Part, chunk?: Chunk) => Promise<void>} write
 * @property {() => Promise<Part[]>} parts
 * @property {(key: string) => Promise<Part | undefined>} part
 * @property {(key: string, from: number, most: number) => Promise<Chunk[]>} chunks in order, from the one that covers `from`
 * @property {(part: Part) => Promise<void>} trim write the part and drop its chunks that lie wholly below its offset
 * @property {(key: string) => Promise<void>} remove
 */

/**
 * What the recorder made and the server does not hold durably yet. It survives a reload and a
 * crash, except where the browser gives no storage (`isLasting` is false then).
 *
 * A part belongs to one tab at a time: whoever holds its Web Lock, see uplink.js.
 */
export class Journal extends EventTarget {
  /** @type {Map<string, Part>} */
  #parts = new Map()
  /** @type {Set<string>} */
  #isInherited = new Set()
  /** How often the lasting store could not be read, one time after the other. */
  #unreadable = 0
  /** @type {Promise<unknown>} */
  #line = Promise.resolve()
  /** @type {Store | null} */
  #lasting
  /** @type {Store} */
  #memory

  /**
   * @param {Store | null} lasting
   * @param {Store} memory takes over when `lasting` fails
   */
  constructor(lasting, memory = new MemoryStore()) {
    super()
    /** @type {string | null} what lets this browser in again; kept with every part */
    this.returnKey = null
    this.#lasting = lasting
    this.#memory = memory
    this.isLasting = lasting !== null
  }

  /** @param {IDBFactory} factory */
  static async open(factory = indexedDB) {
    const store = new IndexedStore(factory)
    try {
      await store.parts()
      return new Journal(store)
    } catch {
      // Private windows of some browsers, and full disks: the recording goes on from memory.
      return new Journal(null)
    }
  }

  /**
   * The journal's parts of an interview that the server does not hold whole, the oldest first.
   *
   * @param {string} interview
   */
  async unfinished(interview) {
    const kept = (await this.#lasting?.parts().catch(() => this.#doubt())) ?? []
    const known = new Map(kept.map((part) => [part.key, part]))
    for (const part of this.#parts.values()) known.set(part.key, part)
    return [...known.values()]
      .filter((part) => part.interview === interview)
      .sort((one, other) => one.startedAt.localeCompare(other.startedAt))
  }

  /** The interviews of which it holds something. */
  async interviews() {
    const kept = (await this.#lasting?.parts().catch(() => this.#doubt())) ?? []
    return [...new Set(kept.map((part) => part.interview))]
  }

  /**
   * Take up a part that another page may have changed meanwhile. Undefined when it is gone.
   *
   * @param {string} key
   */
  async takeUp(key) {
    const kept = await this.#lasting?.part(key).catch(() => undefined)
    const part = kept ?? (await this.#memory.part(key))
    if (part) this.#parts.set(key, part)
    if (kept) this.#isInherited.add(key)
    return part
  }

  /** @param {string} key */
  part(key) {
    const part = this.#parts.get(key)
    if (!part) throw new Error(`The journal has no part ${key}.`)
    return part
  }

  /** @param {string} key */
  has(key) {
    return this.#parts.has(key)
  }

  /** @param {NewPart} part */
  begin(part) {
    return this.#inLine(() =>
      this.#write({
        ...part,
        returnKey: this.returnKey,
        uploadUrl: null,
        offset: 0,
        size: 0,
        ms: 0,
        length: null,
        endReason: null,
        endedAt: null,
        endedMs: null,
        isClosed: false,
        lastByteAt: part.startedAt,
      }),
    )
  }

  /**
   * Keep bytes behind those that the part has. They are safe from a crash when this resolves.
   *
   * @param {string} key
   * @param {ArrayBuffer} data
   * @param {number} [ms] the recorder's clock at their end
   */
  add(key, data, ms) {
    return this.#inLine(async () => {
      const hash = await sha256(data)
      const part = this.part(key)
      const until = ms ?? part.ms
      const chunk = { part: key, offset: part.size, length: data.byteLength, hash, ms: until, data }
      const lastByteAt = new Date().toISOString()
      await this.#write({ ...part, size: part.size + data.byteLength, ms: until, lastByteAt }, chunk)
      return this.part(key).size
    })
  }

  /**
   * The part's recorder has stopped: what was added is all there is.
   *
   * @param {string} key
   * @param {string} reason
   * @param {{ endedAt?: string, ms?: number }} [when] by the wall's clock and by the recorder's, if
   *   somebody was there to look
   */
  end(key, reason, { endedAt, ms } = {}) {
    return this.#inLine(async () => {
      const part = this.part(key)
      if (part.length !== null) return
      const end = { endReason: reason, endedAt: endedAt ?? part.lastByteAt, endedMs: ms ?? null }
      await this.#write({ ...part, length: part.size, ...end })
    })
  }

  /**
   * @param {string} key
   * @param {Partial<Pick<Part, "uploadUrl" | "isClosed">>} news
   */
  note(key, news) {
    return this.#inLine(() => this.#write({ ...this.part(key), ...news }))
  }

  /**
   * The server holds this many bytes durably: nothing below is needed any more.
   *
   * @param {string} key
   * @param {number} durable
   */
  acknowledged(key, durable) {
    return this.#inLine(async () => {
      const part = this.part(key)
      if (durable <= part.offset) return
      // The server may hold more than this journal remembers, when its last writes were lost.
      const size = Math.max(part.size, durable)
      const length = part.length === null ? null : Math.max(part.length, durable)
      const news = { ...part, offset: durable, size, length }
      this.#parts.set(key, news)
      await this.#memory.trim(news)
      await this.#lasting?.trim(news).catch(() => this.#doubt())
    })
  }

  /**
   * Bytes from `offset` on, at most `most` of them, and the recorder's clock at the end of the last
   * chunk that they complete. Empty when there are none yet.
   *
   * @param {string} key
   * @param {number} offset
   * @param {number} most
   */
  async read(key, offset, most) {
    return readBack(await this.#chunks(key, offset, most), {
      from: offset,
      most,
      size: () => this.part(key).size,
      isLost: () => this.#isLost(key),
      damaged: (what) => {
        console.error(`Part ${key}: ${what}.`)
        this.dispatchEvent(new CustomEvent("damaged", { detail: key }))
      },
    })
  }

  /**
   * Forget a part that the server holds whole.
   *
   * @param {string} key
   */
  remove(key) {
    return this.#inLine(async () => {
      const part = this.part(key)
      if (part.length === null || part.offset < part.length || !(part.isClosed || part.length === 0)) {
        throw new Error(`The server does not hold part ${key} whole.`)
      }
      await this.#drop(key)
    })
  }

  /**
   * Forget a part that is not wanted any more, whatever the server holds of it.
   *
   * @param {string} key
   */
  forget(key) {
    return this.#inLine(() => this.#drop(key))
  }

  /** @param {string} key */
  async #drop(key) {
    this.#parts.delete(key)
    await this.#memory.remove(key)
    await this.#lasting?.remove(key).catch(() => this.#doubt())
  }

  /**
   * One change after the other: hashing takes turns that would let a later chunk overtake.
   *
   * @template T
   * @param {() => Promise<T>} change
   * @returns {Promise<T>}
   */
  #inLine(change) {
    const done = this.#line.then(change)
    this.#line = done.catch(() => undefined)
    return done
  }

  /**
   * @param {Part} part
   * @param {Chunk} [chunk]
   */
  async #write(part, chunk) {
    try {
      if (!this.#lasting) throw new Error("no storage")
      await this.#lasting.write(part, chunk)
    } catch {
      await this.#memory.write(part, chunk)
      this.#doubt()
    }
    this.#parts.set(part.key, part)
  }

  #doubt() {
    if (!this.isLasting) return
    this.isLasting = false
    this.dispatchEvent(new Event("doubt"))
  }

  /**
   * @param {string} key
   * @param {number} from
   * @param {number} most
   */
  async #chunks(key, from, most) {
    const held = await this.#memory.chunks(key, from, most)
    try {
      const kept = (await this.#lasting?.chunks(key, from, most)) ?? []
      this.#unreadable = 0
      return [...kept, ...held].sort((one, other) => one.offset - other.offset)
    } catch (cause) {
      this.#doubt()
      this.#unreadable += 1
      if (held.length === 0 || (held[0].offset > from && !this.#isLost(key))) throw cause
      return held
    }
  }

  /**
   * Whether what is not found now will not be found later: a page that died kept some of it in its
   * memory only, or the browser's storage is gone for good.
   *
   * @param {string} key
   */
  #isLost(key) {
    return this.#unreadable >= GIVEN_UP_AFTER || (this.#unreadable === 0 && this.#isInherited.has(key))
  }
}
