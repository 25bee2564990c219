import { newName } from "../helpers/new_name.js"
import { steadyClock } from "../helpers/steady_clock.js"
import { Caretaker } from "./caretaker.js"
import { Devices } from "./devices.js"
import { LiveRecording } from "./live_recording.js"
import { Presence } from "./presence.js"
import { Uplink } from "./uplink.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 * @import { Journal } from "./journal.js"
 * @import { Line, Report } from "./presence.js"
 * @import { Choice } from "../elements/device-check.js"
 * @import { tracesOf } from "../helpers/traces.js"
 *
 * What the server tells the page about its room; see qualz/room/arrivals.py.
 * @typedef {object} Room
 * @property {string} id
 * @property {string} url
 * @property {string} partUrl
 * @property {string} returnKey
 * @property {"disabled" | "off_by_default" | "on_by_default"} camera
 * @property {boolean} started
 * @property {string} whereWeWere one line for somebody who comes back, else empty
 * @property {boolean} over
 * @property {string} title
 * @property {string} language
 * @property {number} graceSeconds
 * @property {number} maxChunk
 * @property {"server" | "browser" | "none"} voice who reads the questions aloud
 * @property {string} sample what the device check has them say
 *
 * @typedef {(method: "POST" | "PUT", url: string, body: object, how?: { isLast?: boolean, patience?: number }) => Promise<any>} Send
 * @typedef {"here" | "elsewhere" | "over" | "withdrawn" | "refused"} Arrival
 */

/** @type {Record<number, Arrival>} */
const ARRIVALS = { 400: "refused", 401: "refused", 403: "refused", 404: "refused", 409: "elsewhere", 410: "over" }
const AGAIN = 2_000
const BEAT_PATIENCE = 3_000

/**
 * One stay of this tab in the room: it arrives, is present, records, moves out, finishes.
 *
 * Events: `contact`, `moved`, `refused` as of presence, and those of the recording's caretaker.
 */
export class Visit extends EventTarget {
  devices = new Devices()
  /** @type {Presence | null} */
  presence = null
  #page = newName()
  #hasArrived = false
  #rest = new AbortController()

  /**
   * @param {Room} room
   * @param {object} seams
   * @param {Journal} seams.journal
   * @param {string} seams.place
   * @param {"desktop" | "phone"} seams.device
   * @param {{ recorded: number, safe: number }} seams.earlier milliseconds of this tab's earlier pages
   * @param {Send} seams.send
   * @param {() => Line} seams.connect
   * @param {(times: number) => Promise<boolean>} [seams.knock] as of `Presence`
   * @param {() => number} seams.level
   * @param {ReturnType<typeof tracesOf>} seams.traces
   * @param {Clock} [seams.clock]
   */
  constructor(room, { journal, place, device, earlier, send, connect, knock, level, traces, clock = steadyClock() }) {
    super()
    this.room = room
    this.journal = journal
    this.place = place
    this.send = send
    this.connect = connect
    this.knock = knock
    this.level = level
    this.traces = traces
    this.clock = clock
    const endOf = (/** @type {string} */ key) => traces.endOf(key, place)
    this.uplink = new Uplink({ journal, interview: room.id, url: room.partUrl, largest: room.maxChunk, clock, endOf })
    const { uplink, devices } = this
    const isConnected = () => this.contact === "live"
    this.recording = new LiveRecording({ journal, uplink, interview: room.id, device, earlier, isConnected, clock })
    this.caretaker = new Caretaker({ devices, recording: this.recording, clock })
    for (const name of ["notice", "devices", "lost", "unrecordable"]) {
      this.caretaker.addEventListener(name, (event) => {
        const { detail } = /** @type {CustomEvent} */ (event)
        this.dispatchEvent(new CustomEvent(name, { detail }))
      })
    }
    this.uplink.addEventListener("blocked", () => this.#stopIfFull())
    this.uplink.addEventListener("acknowledged", () => this.presence?.heard())
    this.recording.addEventListener("kept", () => this.presence?.beatIfDue())
  }

  /** @returns {import("./presence.js").Contact} */
  get contact() {
    return this.presence?.contact ?? "live"
  }

  /**
   * Take the interview's one live place. Tried until the server has answered.
   *
   * @param {{ takeOver?: boolean }} [how]
   * @returns {Promise<Arrival>}
   */
  async arrive({ takeOver = false } = {}) {
    const came = this.#hasArrived ? "return" : this.traces.came(this.place)
    // Their wish to rest may still be on its way, and is none any more.
    this.#rest.abort()
    const { status, word } = await this.#insist("POST", "arrivals", { place: this.place, page: this.#page, takeOver, came })
    if (word === "InterviewWithdrawn") return "withdrawn"
    if (status !== 200) return ARRIVALS[status] ?? "refused"
    this.#hasArrived = true
    this.traces.enter(this.#page)
    return "here"
  }

  /** The page is being left. Browsers allow no more than a short message then. */
  depart() {
    if (!this.presence) return
    const { key = null, ms = 0 } = this.recording.running ?? {}
    this.traces.leave({ page: this.#page, place: this.place, at: new Date().toISOString(), key, ms })
    this.send("POST", `${this.room.url}/departures`, { place: this.place, page: this.#page }, { isLast: true }).catch(() => undefined)
  }

  /** From now on the server knows that the participant is here. */
  stay() {
    if (this.presence) return
    const { room, place, clock } = this
    const post = (/** @type {object} */ news) => this.send("POST", `${room.url}/beats`, news, { patience: BEAT_PATIENCE })
    const report = () => this.#report()
    const line = this.connect()
    const grace = room.graceSeconds * 1_000
    const presence = new Presence({ line, place, grace, report, post, knock: this.knock, clock })
    for (const name of ["contact", "moved", "refused"]) {
      presence.addEventListener(name, () => this.dispatchEvent(new Event(name)))
    }
    this.presence = presence
    presence.start()
  }

  /**
   * Record with what was chosen, opening what is not open yet. Throws `DeviceError` when there is
   * no microphone, `CannotRecord` when the browser can't; a camera that can't be used is gone without.
   *
   * @param {Choice} choice
   */
  async record({ mode, microphone, camera, cameraId, loudspeaker }) {
    if (mode === "typing") return
    if (this.devices.microphone?.readyState !== "live") await this.devices.openMicrophone(microphone)
    if (camera && this.devices.camera?.readyState !== "live") {
      await this.devices.openCamera(cameraId).catch(() => undefined)
    }
    // Its name is told only to who may use the microphone.
    await this.devices.chooseLoudspeaker(loudspeaker)
    await this.caretaker.start()
  }

  /**
   * Switch the camera; the part ends and a new one begins. Whether it is on then is for the
   * devices to say.
   *
   * @param {boolean} on
   * @param {string} [id]
   */
  async switchCamera(on, id) {
    if (on === (this.devices.camera !== null)) return
    try {
      if (on) await this.devices.openCamera(id)
    } catch {
      this.dispatchEvent(new CustomEvent("notice", { detail: "camera_refused" }))
      return
    }
    await this.recording.end("camera_switch")
    if (!on) this.devices.closeCamera()
    await this.caretaker.start()
  }

  /** Another tab or device goes on: let go of everything but what still has to be sent. */
  async moveOut() {
    this.#leave()
    await this.recording.end("device_change")
    this.devices.close()
  }

  /**
   * A break: let go of everything. Resolves when the server knows, or they are back before that.
   */
  async rest() {
    this.#rest = new AbortController()
    const { signal } = this.#rest
    await this.recording.end("pause")
    this.devices.close()
    this.#leave()
    await this.#insist("PUT", "pause", { place: this.place }, signal)
  }

  /**
   * The participant takes back what they said. True when the server has deleted it, and what waited
   * here is gone too; false when the server does not let them.
   */
  async withdraw() {
    this.#rest.abort()
    this.uplink.stop()
    await this.recording.end("finished")
    this.devices.close()
    const { status } = await this.#insist("PUT", "withdrawal", {})
    if (status !== 200) return false
    this.#leave()
    for (const { key } of await this.journal.unfinished(this.room.id)) await this.journal.forget(key)
    return true
  }

  /**
   * The interview ends. Resolves when the server knows; what was recorded may still be on its way.
   *
   * @param {{ early: boolean }} how
   */
  async finish({ early }) {
    this.#rest.abort()
    await this.recording.end("finished")
    this.devices.close()
    await this.#insist("PUT", "ending", { early })
    this.#leave()
  }

  /** The server takes no more of this interview: what is recorded from now on would be lost. */
  async #stopIfFull() {
    if (this.uplink.blocked !== "full" || !this.recording.isWanted) return
    await this.recording.end("finished")
    this.dispatchEvent(new CustomEvent("unrecordable"))
  }

  #leave() {
    this.presence?.stop()
    this.presence = null
  }

  /**
   * Send until the server means its answer, or `signal` ends it. Answers its status and, where it
   * refused, its word for why.
   *
   * @param {"POST" | "PUT"} method
   * @param {string} noun
   * @param {object} body
   * @param {AbortSignal} [signal]
   */
  async #insist(method, noun, body, signal) {
    while (!signal?.aborted) {
      try {
        await this.send(method, `${this.room.url}/${noun}`, body)
        return { status: 200, word: "" }
      } catch (cause) {
        const status = statusOf(cause)
        if (status in ARRIVALS) return { status, word: cause instanceof Error && "word" in cause ? String(cause.word) : "" }
      }
      await this.clock.sleep(AGAIN, signal)
    }
    return { status: 0, word: "" }
  }

  /** @returns {Report} */
  #report() {
    const { recording, uplink, devices } = this
    return {
      recording: recording.isRunning,
      paused: this.contact === "away",
      muted: devices.microphone?.muted ?? false,
      level: Number(this.level().toFixed(2)),
      waiting: uplink.waiting,
      part: recording.number,
      ms: recording.running?.ms ?? 0,
    }
  }
}

/** @param {unknown} cause */
function statusOf(cause) {
  return cause instanceof Error && "status" in cause ? Number(cause.status) : 0
}
