import { Backoff, wallClock } from "../helpers/clock.js"
import { Bell } from "../helpers/bell.js"
import { Refusal, Unanswered } from "./tus.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 * @import { Journal } from "./journal.js"
 * @import { Tus } from "./tus.js"
 *
 * Why a part is not being taken: a word for the page to put into a sentence.
 * @typedef {"not_admitted" | "too_large" | "full" | "not_taken" | "disk_full" | "gone" | "lost"} Reason
 */

const SMALLEST = 16 * 1024
const FIRST = 256 * 1024
const LARGEST = 1024 * 1024
// What may be tried again when somebody has done something about it, and how often it is.
const PAUSE = 30_000
// A request that was under way for so long when the network came back was sent into the void.
const DOOMED_AFTER = 1_500
// Whatever a server says: what is recorded is not to wait here for longer.
const SLOWEST = 10_000
const A_MOMENT = 1_000
const FINAL = new Set(["full", "not_taken", "gone", "lost"])

/**
 * Sends one part from the journal until the server holds it whole. One request at a time; after
 * anything unclear it asks the server where it stands, and a repeat is harmless.
 *
 * Events: `created`, `acknowledged` when the server said what it holds, `blocked` when `blocked`
 * changed, which is the reason.
 */
export class PartUpload extends EventTarget {
  /** @type {Reason | null} */
  blocked = null
  /** @type {number | null} */
  number = null
  /** How many bytes the server holds durably, as far as is known here. */
  durable = 0
  /** @type {Promise<void>} */
  created

  #isSure = false
  #hasAskedToReturn = false
  #most
  #largest
  #more = new Bell()
  #hurry = new AbortController()
  #underWay = new AbortController()
  #startedAt = 0
  // Not before then is the next chunk wanted.
  #dueAt = 0
  #awaitedUntil = 0
  #resolveCreated = () => {}

  /**
   * @param {string} key
   * @param {object} seams
   * @param {Journal} seams.journal
   * @param {Tus} seams.tus
   * @param {string} seams.url where parts are created
   * @param {Clock} [seams.clock]
   * @param {Backoff} [seams.backoff]
   * @param {number} [seams.largest] the most bytes that the server takes at once
   * @param {(returnKey: string) => Promise<boolean>} [seams.readmit] gets this browser's cookie anew
   * @param {Promise<void>} [seams.turn] once created, the part waits for this before it is sent
   */
  constructor(key, { journal, tus, url, clock = wallClock, backoff = new Backoff(), largest = LARGEST, readmit, turn }) {
    super()
    this.key = key
    this.journal = journal
    this.tus = tus
    this.url = url
    this.clock = clock
    this.backoff = backoff
    this.readmit = readmit
    this.turn = turn
    this.#largest = Math.min(largest, LARGEST)
    this.#most = Math.min(FIRST, this.#largest)
    this.created = new Promise((resolve) => {
      this.#resolveCreated = resolve
    })
  }

  /** How many bytes the server does not hold yet. */
  get waiting() {
    if (!this.journal.has(this.key)) return 0
    const part = this.journal.part(this.key)
    return part.size - part.offset
  }

  /** There is more in the journal, or the part has ended. */
  more() {
    this.#more.ring()
  }

  /** Somebody waits for what is there, and for what comes in this moment: none of it gathers. */
  flush() {
    this.#awaitedUntil = this.clock.now() + A_MOMENT
    this.#more.ring()
  }

  /** The network is back: try now, and don't wait for a request that was sent into the void. */
  hurry() {
    this.#hurry.abort()
    if (this.clock.now() - this.#startedAt > DOOMED_AFTER) this.#underWay.abort()
  }

  /**
   * Send until the part is complete (true), cannot be taken (false), or `signal` ends it (false).
   *
   * @param {AbortSignal} signal
   */
  async run(signal) {
    const stop = () => {
      this.#underWay.abort()
      this.#hurry.abort()
      this.#more.ring()
    }
    signal.addEventListener("abort", stop)
    try {
      return await this.#runUntil(signal)
    } finally {
      signal.removeEventListener("abort", stop)
      this.#resolveCreated()
    }
  }

  /** @param {AbortSignal} signal */
  async #runUntil(signal) {
    while (!signal.aborted) {
      try {
        const next = await this.#step()
        if (next === "done") return true
        if (next === "rest") await this.#more.heard()
        if (next === "gather") await this.#gather()
      } catch (trouble) {
        this.#isSure = false
        if (trouble instanceof Refusal && trouble.isWithdrawn) return this.#letGo()
        if (await this.#isReadmitted(trouble)) continue
        const pause = this.#reactTo(trouble)
        if (pause === null) return false
        await this.#wait(pause)
      }
    }
    return false
  }

  /** @returns {Promise<"on" | "rest" | "gather" | "done">} */
  async #step() {
    const part = this.journal.part(this.key)
    const { uploadUrl, offset, size, length, isClosed } = part
    if (uploadUrl === null) return size === 0 && length === 0 ? this.#forget() : this.#create()
    await this.turn
    if (!this.#isSure) return this.#askWhere(uploadUrl)
    if (length !== null && !isClosed) return this.#close(uploadUrl, length)
    if (offset < size) return this.#mayGather(size - offset, length) ? "gather" : this.#send(uploadUrl, offset)
    return length === null ? "rest" : this.#forget()
  }

  /** @returns {Promise<"on">} */
  async #create() {
    const { key, mimeType, camera, device, startedAt } = this.journal.part(this.key)
    const metadata = { key, filetype: mimeType, camera: String(camera), device, startedAt }
    const made = await this.tus.create(this.url, metadata, this.#signal())
    this.number = made.number
    await this.journal.note(this.key, { uploadUrl: made.url })
    this.#wentWell()
    this.#resolveCreated()
    this.dispatchEvent(new Event("created"))
    return "on"
  }

  /**
   * @param {string} url
   * @returns {Promise<"on">}
   */
  async #askWhere(url) {
    await this.#heldUpTo(await this.tus.offset(url, this.#signal()))
    this.#isSure = true
    this.#resolveCreated()
    return "on"
  }

  /**
   * @param {string} url
   * @param {number} length
   * @returns {Promise<"on">}
   */
  async #close(url, length) {
    const { endReason, endedAt, endedMs, ms } = this.journal.part(this.key)
    const end = { length, reason: endReason, endedAt, ms: endedMs ?? ms, until: ms }
    await this.tus.close(url, end, this.#signal())
    await this.journal.note(this.key, { isClosed: true })
    this.#wentWell()
    return "on"
  }

  /**
   * @param {string} url
   * @param {number} offset
   * @returns {Promise<"on">}
   */
  async #send(url, offset) {
    const { bytes, ms } = await this.journal.read(this.key, offset, this.#most)
    if (bytes.byteLength === 0) throw new Unanswered("The journal has lost what comes next.")
    const signal = this.#signal()
    const { durable, pace } = await this.tus.append(url, offset, bytes, { ms, signal })
    this.#dueAt = this.#startedAt + Math.min(pace, SLOWEST)
    if (durable <= offset) throw new Unanswered("The server kept nothing of it.")
    await this.#heldUpTo(durable)
    this.#wentWell()
    if (this.clock.now() - this.#startedAt < 2_000) this.#most = Math.min(this.#most * 2, this.#largest)
    return "on"
  }

  /**
   * A busy server wants fewer chunks with more in each. Whatever ends or piles up is sent at once.
   *
   * @param {number} waiting
   * @param {number | null} length
   */
  #mayGather(waiting, length) {
    const left = this.#dueAt - this.clock.now()
    // Clocks are set back, too.
    const isEarly = left > 0 && left <= SLOWEST
    return length === null && waiting < this.#most && isEarly && this.clock.now() >= this.#awaitedUntil
  }

  /** Until it is time, or there is more: perhaps the part's end. */
  async #gather() {
    const isOver = new AbortController()
    const enough = this.clock.sleep(this.#dueAt - this.clock.now(), isOver.signal)
    await Promise.race([enough, this.#more.heard()])
    isOver.abort()
  }

  /** @returns {Promise<"done">} */
  async #forget() {
    await this.journal.remove(this.key)
    return "done"
  }

  /** The participant wants none of it to be kept. */
  async #letGo() {
    await this.journal.forget(this.key)
    return true
  }

  /** @param {number} durable */
  async #heldUpTo(durable) {
    if (durable < this.journal.part(this.key).offset) throw new Lost()
    await this.journal.acknowledged(this.key, durable)
    this.durable = durable
    this.dispatchEvent(new Event("acknowledged"))
  }

  /**
   * How long to wait before the next attempt; null when there is none.
   *
   * @param {unknown} trouble
   */
  #reactTo(trouble) {
    if (trouble instanceof Lost) return this.#block("lost")
    if (!(trouble instanceof Refusal)) {
      if (!(trouble instanceof Unanswered)) console.error(trouble)
      this.#most = Math.max(SMALLEST, this.#most / 2)
      return this.backoff.next()
    }
    this.#resolveCreated()
    return this.#reactToStatus(trouble)
  }

  /**
   * A browser that was killed may have lost its cookie, and is let in again once by what it kept.
   *
   * @param {unknown} trouble
   */
  async #isReadmitted(trouble) {
    const { returnKey } = this.journal.part(this.key)
    // A proxy may refuse too, and a key of ours would change nothing about that.
    const isOut = trouble instanceof Refusal && trouble.isTus && [401, 403, 404].includes(trouble.status)
    if (!isOut || !returnKey || !this.readmit || this.#hasAskedToReturn) return false
    try {
      const isIn = await this.readmit(returnKey)
      this.#hasAskedToReturn = true
      return isIn
    } catch {
      return false
    }
  }

  /** @param {Refusal} refusal */
  #reactToStatus({ status, isTus, isFull, offset }) {
    const isFirst = this.backoff.isFresh
    const pause = this.backoff.next()
    if (status === 401 || status === 403) return this.#block("not_admitted")
    if (isFull) return this.#block("full")
    if (status === 413) return this.#shrink()
    if (status === 507) return this.#block("disk_full")
    // Only our own server can say these for good; a proxy that says them is tried again.
    if (status === 415 && isTus) return this.#block("not_taken")
    // A mismatch, or a part that is said to be gone: the server's offset, asked at once, decides.
    const isGone = (status === 404 || status === 410) && isTus
    if (isGone && !isFirst) return this.#block("gone")
    return isFirst && (isGone || offset !== null || status === 460) ? 0 : pause
  }

  /** A proxy takes less at once than we send. */
  #shrink() {
    if (this.#most <= SMALLEST) return this.#block("too_large")
    this.#most = this.#largest = Math.max(SMALLEST, this.#most / 2)
    return 0
  }

  /** @param {Reason} reason */
  #block(reason) {
    this.blocked = reason
    this.dispatchEvent(new Event("blocked"))
    return FINAL.has(reason) ? null : PAUSE
  }

  /** Only a change counts: that the server tells where it stands does not mean that it takes more. */
  #wentWell() {
    this.backoff.reset()
    if (!this.blocked) return
    this.blocked = null
    this.dispatchEvent(new Event("blocked"))
  }

  /** @param {number} pause */
  async #wait(pause) {
    await this.clock.sleep(pause, this.#hurry.signal)
    this.#hurry = new AbortController()
  }

  #signal() {
    this.#startedAt = this.clock.now()
    this.#underWay = new AbortController()
    return this.#underWay.signal
  }
}

/** The server holds less than it has acknowledged, and the journal has let go of that. */
class Lost extends Error {}
