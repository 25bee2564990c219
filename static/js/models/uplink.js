import { wallClock } from "../helpers/clock.js"
import { PartUpload } from "./part_upload.js"
import { Tus } from "./tus.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 * @import { Journal } from "./journal.js"
 * @import { Reason } from "./part_upload.js"
 *
 * Why a recorder's run ended, and when by the wall's clock and by its own.
 * @typedef {{ reason: string, endedAt?: string, ms?: number }} End
 */

/**
 * Brings an interview's parts from the journal to the server: those that this page records at
 * once, and beside them what earlier pages left, one by one.
 *
 * A part is sent by one tab at a time, the one that holds its Web Lock. The tab that records it
 * takes the lock first; when that tab dies the lock falls to the next one that asked, and a part
 * without an end is then known to have lost its recorder.
 *
 * Events: `progress` when there is more or less to send, `acknowledged`, `blocked`, `drained`.
 */
export class Uplink extends EventTarget {
  /** @type {Map<string, PartUpload>} */
  #uploads = new Map()
  #stopped = new AbortController()
  /** @type {Promise<void>} */
  #lastCreation = Promise.resolve()
  /** @type {Promise<void>} */
  #backlog = Promise.resolve()
  #running = 0

  /**
   * @param {object} seams
   * @param {Journal} seams.journal
   * @param {string} seams.interview
   * @param {string} seams.url where parts are created
   * @param {number} [seams.largest]
   * @param {Tus} [seams.tus]
   * @param {Clock} [seams.clock]
   * @param {LockManager} [seams.locks]
   * @param {(key: string) => End} [seams.endOf] what is known of a part whose page is gone
   * @param {(returnKey: string) => Promise<boolean>} [seams.readmit] as of `PartUpload`
   */
  constructor({ journal, interview, url, largest, tus, clock = wallClock, locks, endOf, readmit }) {
    super()
    this.journal = journal
    this.interview = interview
    this.url = url
    this.largest = largest
    this.clock = clock
    this.tus = tus ?? new Tus({ clock })
    this.locks = locks ?? globalThis.navigator?.locks
    this.readmit = readmit
    this.endOf = endOf ?? (() => ({ reason: "crashed" }))
  }

  /** How many bytes the server does not hold yet. */
  get waiting() {
    return [...this.#uploads.values()].reduce((sum, upload) => sum + upload.waiting, 0)
  }

  /** How many bytes of the parts that this page sent are durable on the server. */
  get durable() {
    return [...this.#uploads.values()].reduce((sum, upload) => sum + upload.durable, 0)
  }

  get isDrained() {
    return this.#running === 0
  }

  /** @type {Reason | null} */
  get blocked() {
    return [...this.#uploads.values()].find((upload) => upload.blocked)?.blocked ?? null
  }

  /** Offer what earlier pages left in the journal. */
  async open() {
    const left = (await this.journal.unfinished(this.interview)).filter(({ key }) => !this.#uploads.has(key))
    for (const { key } of left) this.#hold(key, () => this.#inherit(key))
  }

  /**
   * Send a part while it is being recorded.
   *
   * @param {string} key
   */
  add(key) {
    const upload = this.#upload(key)
    this.#hold(key, () => this.#send(upload))
    return upload
  }

  /**
   * There is more of a part in the journal, or it has ended.
   *
   * @param {string} key
   */
  more(key) {
    this.#uploads.get(key)?.more()
    this.dispatchEvent(new Event("progress"))
  }

  /** The network is back. */
  hurry() {
    for (const upload of this.#uploads.values()) upload.hurry()
  }

  stop() {
    this.#stopped.abort()
  }

  /** Resolves when nothing is left that can be sent. */
  async drained() {
    while (!this.isDrained) {
      await new Promise((resolve) => {
        this.addEventListener("drained", resolve, { once: true })
      })
    }
  }

  /**
   * A part that another page recorded: take it up where it stands.
   *
   * @param {string} key
   */
  async #inherit(key) {
    const part = await this.journal.takeUp(key)
    if (!part) return
    if (part.length === null) {
      const { reason, ...when } = this.endOf(key)
      await this.journal.end(key, reason, when)
    }
    // One after the other, so that what is live has most of the line.
    const upload = this.#upload(key, this.#backlog)
    const sent = this.#send(upload)
    this.#backlog = sent
    await sent
  }

  /**
   * @param {string} key
   * @param {Promise<void>} [turn]
   */
  #upload(key, turn) {
    const { journal, tus, url, clock, largest, readmit } = this
    const upload = new PartUpload(key, { journal, tus, url, clock, largest, readmit, turn })
    for (const name of ["acknowledged", "blocked"]) {
      upload.addEventListener(name, () => {
        this.dispatchEvent(new Event(name))
        this.dispatchEvent(new Event("progress"))
      })
    }
    this.#uploads.set(key, upload)
    return upload
  }

  /**
   * Parts are numbered in the order in which they are created, so no part overtakes an older one.
   *
   * @param {PartUpload} upload
   */
  async #send(upload) {
    const older = this.#lastCreation
    this.#lastCreation = Promise.all([older, upload.created]).then(() => undefined)
    await older
    await upload.run(this.#stopped.signal)
  }

  /**
   * @param {string} key
   * @param {() => Promise<void>} work
   */
  async #hold(key, work) {
    this.#running += 1
    const signal = this.#stopped.signal
    let isHeld = false
    const held = () => {
      isHeld = true
      return work()
    }
    try {
      const asked = this.locks?.request(`qualz-part-${key}`, { signal }, held)
      // Inside another site's page some browsers refuse it; then they keep no journal that another
      // tab could send from, either.
      await (asked ?? held()).catch((/** @type {unknown} */ cause) => (isHeld || signal.aborted ? Promise.reject(cause) : held()))
    } catch (cause) {
      if (!signal.aborted) console.error(cause)
    }
    this.#running -= 1
    this.dispatchEvent(new Event("progress"))
    if (this.isDrained) this.dispatchEvent(new Event("drained"))
  }
}
