import { io } from "socket.io-client"
import { deviceClass } from "../helpers/device_class.js"
import { Refused, send } from "../helpers/http.js"
import { keptFor, keptName } from "../helpers/kept.js"
import { piece, pieceIfAny } from "../helpers/pieces.js"
import { SoundLevel } from "../helpers/sound_level.js"
import { keepScreenOn } from "../helpers/wake_lock.js"
import { BLOCKED, clock } from "../helpers/words.js"
import { Journal } from "../models/journal.js"
import { Visit } from "../models/visit.js"
import { CameraSwitch } from "./camera-switch.js"
import { DeviceCheck } from "./device-check.js"
import { LevelMeter } from "./level-meter.js"
import { RoomEnding } from "./room-ending.js"
import { RoomQuestion } from "./room-question.js"
import { UploadStatus } from "./upload-status.js"

/**
 * @import { Choice } from "./device-check.js"
 * @import { Room } from "../models/visit.js"
 * @typedef {"opening" | "checking" | "joining" | "live" | "reconnecting" | "paused" | "moved" | "refused" | "ending" | "over"} State
 */

const TICK = 500
const HEARD = 0.3
const SILENT_FOR = 20_000

/**
 * `<interview-room>`: leads from the device check through the questions to the thank-you, and
 * through whatever the network does meanwhile. Its `data-state` says where it stands.
 */
export class InterviewRoom extends HTMLElement {
  #room = /** @type {Room} */ (JSON.parse(document.getElementById("room-settings")?.textContent ?? "{}"))
  #kept = keptFor(this.#room.id)
  #sound = new SoundLevel()
  #lastHeardAt = Date.now()
  #left = new AbortController()
  /** @type {Visit | null} */
  #visit = null
  /** @type {Choice} */
  #choice = { mode: "voice", camera: false }

  async connectedCallback() {
    const visit = await this.#open()
    this.#listen(visit)
    await visit.uplink.open()
    if (this.#room.over) return this.#end(visit, Promise.resolve())
    const chosen = this.#kept.get("choice")
    if (!chosen) return this.#check(visit)
    this.#greet()
    return this.#join(visit, JSON.parse(chosen))
  }

  disconnectedCallback() {
    this.#left.abort()
  }

  /** @returns {State} */
  get state() {
    return /** @type {State} */ (this.dataset.state)
  }

  set state(state) {
    this.dataset.state = state
    for (const step of this.querySelectorAll("[data-shown-in]")) {
      const isShown = step.getAttribute("data-shown-in")?.split(" ").includes(state)
      if (step instanceof HTMLElement) step.hidden = !isShown
    }
  }

  async #open() {
    const journal = await Journal.open()
    const visit = new Visit(this.#room, {
      journal,
      send,
      place: keptName(this.#kept, "place"),
      device: deviceClass(),
      earlier: Number(this.#kept.get("recorded") ?? 0),
      level: () => this.#sound.level,
      connect: () =>
        io("/room", {
          transports: ["websocket"],
          auth: { interview: this.#room.id, place: this.#kept.get("place") },
          reconnectionDelay: 500,
          reconnectionDelayMax: 2_000,
          forceNew: true,
        }),
    })
    this.#visit = visit
    return visit
  }

  /** @param {Visit} visit */
  #listen(visit) {
    const { signal } = this.#left
    visit.addEventListener("contact", () => this.#follow(visit))
    visit.addEventListener("moved", () => this.#move(visit))
    visit.addEventListener("lost", () => this.#check(visit))
    visit.addEventListener("camera-lost", () => this.#switchCamera(visit, false))
    this.addEventListener("camera-wanted", (event) => {
      if (this.state !== "checking") this.#switchCamera(visit, /** @type {CustomEvent} */ (event).detail)
    })
    this.addEventListener("answer-refused", (event) => this.#beRefused(visit, /** @type {CustomEvent} */ (event).detail))
    this.addEventListener("click", (event) => this.#click(visit, event))
    piece(this, "end-early", HTMLDialogElement).addEventListener("close", (event) => {
      const dialog = /** @type {HTMLDialogElement} */ (event.target)
      if (dialog.returnValue === "end") this.#finish(visit, { early: true })
    })
    addEventListener("pointerdown", () => this.#sound.wake(), { signal })
    addEventListener("keydown", () => this.#sound.wake(), { signal })
    addEventListener("online", () => visit.uplink.hurry(), { signal })
    addEventListener("beforeunload", (event) => this.#warn(visit, event), { signal })
    document.addEventListener("visibilitychange", () => visit.recording.flush(), { signal })
    const ticking = setInterval(() => this.#tick(visit), TICK)
    signal.addEventListener("abort", () => clearInterval(ticking))
  }

  // ---- coming in

  /** @param {Visit} visit */
  async #check(visit) {
    await visit.recording.end("device_change")
    this.state = "checking"
    const check = piece(this, "check", DeviceCheck)
    check.addEventListener(
      "ready",
      (event) => this.#join(visit, /** @type {CustomEvent<Choice>} */ (event).detail),
      { once: true },
    )
    check.begin(visit.devices, JSON.parse(this.#kept.get("choice") ?? "{}"))
  }

  /**
   * @param {Visit} visit
   * @param {Choice} choice
   * @param {{ takeOver?: boolean }} [how]
   */
  async #join(visit, choice, { takeOver = false } = {}) {
    this.#choice = choice
    this.#kept.set("choice", JSON.stringify(choice))
    this.state = "joining"
    const arrival = await visit.arrive({ takeOver })
    if (arrival === "elsewhere") return this.#move(visit)
    if (arrival === "over") return this.#end(visit, Promise.resolve())
    if (arrival === "refused") return this.#refuse(visit)
    visit.stay()
    try {
      await visit.record(choice)
    } catch {
      return this.#check(visit)
    }
    this.#showDevices(visit)
    // The moderator's first words belong to a part, so the server should know of it by then.
    await Promise.race([visit.recording.announced, sleep(1_500)])
    return this.#ask(visit)
  }

  /**
   * @param {Visit} visit
   * @param {{ anew?: boolean }} [how]
   */
  async #ask(visit, how) {
    const isTyping = this.#choice.mode === "typing"
    this.dataset.mode = this.#choice.mode
    const surroundings = {
      isTyping,
      get moment() {
        return visit.recording.moment
      },
    }
    try {
      await this.#question.load(surroundings, how)
    } catch (cause) {
      return this.#beRefused(visit, cause instanceof Refused ? cause.status : 0)
    }
    this.state = "live"
    keepScreenOn(this.#left.signal)
    return this.#follow(visit)
  }

  #greet() {
    piece(this, "greeting").textContent = "Welcome back. You are where you left off."
    addEventListener("htmx:afterRequest", () => {
      piece(this, "greeting").textContent = ""
    }, { once: true })
  }

  /** @param {Visit} visit */
  #showDevices({ devices }) {
    if (devices.microphone) this.#sound.listen(devices.microphone)
    this.#lastHeardAt = Date.now()
    piece(this, "meter", LevelMeter).source = devices.microphone ? this.#sound : null
    const toggle = this.querySelector('[data-piece="bar"] camera-switch')
    if (toggle instanceof CameraSwitch) toggle.isOn = devices.camera !== null
    const view = pieceIfAny(this, "self-view")
    if (!(view instanceof HTMLVideoElement)) return
    view.srcObject = devices.camera ? new MediaStream([devices.camera]) : null
    view.hidden = !devices.camera
  }

  // ---- while it runs

  /**
   * React to what the network does.
   *
   * @param {Visit} visit
   */
  async #follow(visit) {
    if (!["live", "reconnecting", "paused"].includes(this.state)) return
    const { contact } = visit
    if (contact === "away" && this.state !== "paused") {
      this.state = "paused"
      await visit.recording.end("drop")
    } else if (contact === "reconnecting" && this.state === "live") {
      this.state = "reconnecting"
    } else if (contact === "live" && this.state !== "live") {
      visit.uplink.hurry()
      this.#question.answer?.hurry()
      if (this.state === "paused") return this.#join(visit, this.#choice)
      this.state = "live"
    }
  }

  /**
   * @param {Visit} visit
   * @param {boolean} on
   */
  async #switchCamera(visit, on) {
    const toggle = this.querySelector('[data-piece="bar"] camera-switch')
    if (toggle instanceof CameraSwitch) toggle.isBusy = true
    const isOn = await visit.switchCamera(on, this.#choice.cameraId)
    this.#choice = { ...this.#choice, camera: isOn }
    this.#kept.set("choice", JSON.stringify(this.#choice))
    if (toggle instanceof CameraSwitch) toggle.isBusy = false
    this.#showDevices(visit)
    this.#hint(on && !isOn ? "The camera cannot be used. Allow it in the browser, or go on without it." : "")
  }

  /**
   * @param {Visit} visit
   * @param {Event} event
   */
  #click(visit, event) {
    const name = event.target instanceof Element ? event.target.closest("[data-piece]")?.getAttribute("data-piece") : ""
    if (name === "finish") this.#finish(visit, { early: false })
    if (name === "leave") piece(this, "end-early", HTMLDialogElement).showModal()
    if (name === "here") this.#join(visit, this.#choice, { takeOver: true })
    if (name === "devices") this.#check(visit)
    if (name === "reload") location.reload()
  }

  /** @param {Visit} visit */
  #tick(visit) {
    const { recording, uplink, contact } = visit
    piece(this, "status", UploadStatus).show({
      contact,
      isRecording: recording.isRunning,
      isTyping: this.#choice.mode === "typing",
      blocked: uplink.blocked,
      isLasting: visit.journal.isLasting,
      elapsed: recording.elapsed,
      safe: recording.safeInAll,
      durable: uplink.durable,
      waiting: uplink.waiting,
      part: recording.number,
    })
    piece(this, "timer").textContent = clock(recording.elapsed)
    this.dataset.recording = String(recording.isRunning)
    if (recording.isRunning) this.#kept.set("recorded", String(recording.elapsed))
    this.#listenForSilence(recording.isRunning)
  }

  /** @param {boolean} isRecording */
  #listenForSilence(isRecording) {
    const isAudible = !this.#sound.isAwake || !isRecording || this.#sound.level > HEARD
    if (isAudible && Date.now() - this.#lastHeardAt > SILENT_FOR) this.#hint("")
    if (isAudible) this.#lastHeardAt = Date.now()
    if (Date.now() - this.#lastHeardAt > SILENT_FOR) {
      this.#hint("We hear nothing. If you are speaking, check that your microphone is not muted.")
    }
  }

  /**
   * @param {Visit} visit
   * @param {BeforeUnloadEvent} event
   */
  #warn({ uplink, recording }, event) {
    // While all is well a second's worth is always on its way, and it survives in the journal.
    const isBehind = recording.elapsed - recording.safeInAll > 5_000
    if (uplink.waiting > 0 && (isBehind || !recording.isRunning)) event.preventDefault()
  }

  // ---- going out

  /** @param {Visit} visit */
  async #move(visit) {
    this.state = "moved"
    await visit.moveOut()
    this.#showDevices(visit)
  }

  /** @param {Visit} visit */
  async #refuse(visit) {
    this.state = "refused"
    await visit.moveOut()
    this.#showDevices(visit)
  }

  /**
   * @param {Visit} visit
   * @param {number} status
   */
  async #beRefused(visit, status) {
    if (status === 409) return this.#move(visit)
    if (status === 410) return this.#finish(visit, { early: false })
    // The form's token may be of an earlier sign-in: the question brings a fresh one.
    if (status === 400) return this.#ask(visit, { anew: true })
    return this.#refuse(visit)
  }

  /**
   * @param {Visit} visit
   * @param {{ early: boolean }} how
   */
  #finish(visit, how) {
    if (this.state === "ending" || this.state === "over") return undefined
    return this.#end(visit, visit.finish(how))
  }

  /**
   * @param {Visit} visit
   * @param {Promise<unknown>} told
   */
  async #end(visit, told) {
    this.state = "ending"
    await Promise.race([told, visit.recording.end("finished")])
    await piece(this, "ending", RoomEnding).finish(visit.uplink, told)
    for (const name of ["choice", "recorded", "typing"]) this.#kept.set(name, null)
    this.#sound.close()
    const { blocked } = visit.uplink
    piece(this, "left-over").hidden = !blocked
    piece(this, "left-over").textContent = blocked ? `A piece of your recording could not be sent. ${BLOCKED[blocked]}` : ""
    this.state = "over"
    piece(this, "thanks").focus()
  }

  /** @param {string} text */
  #hint(text) {
    piece(this, "hint").textContent = text
  }

  get #question() {
    return piece(this, "question", RoomQuestion)
  }
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

customElements.define("interview-room", InterviewRoom)
