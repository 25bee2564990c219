import { wallClock } from "../helpers/clock.js"
import { Refused } from "../helpers/http.js"
import { keptFor } from "../helpers/kept.js"
import { piece } from "../helpers/pieces.js"
import { visitTo } from "../helpers/visiting.js"
import { keepScreenOn } from "../helpers/wake_lock.js"
import { BLOCKED, CANNOT_RECORD, whyUnheard } from "../helpers/words.js"
import { CannotRecord } from "../models/recording_types.js"
import { DeviceCheck } from "./device-check.js"
import { HandsFree } from "./hands-free.js"
import { Instruments } from "./instruments.js"
import { RoomQuestion } from "./room-question.js"
import { SelfMonitor } from "./self-monitor.js"
import { voiceIsWanted, voiceOf } from "./speaking-voice.js"
import { WayOut } from "./way-out.js"

/**
 * @import { Choice } from "./device-check.js"
 * @import { Speaking } from "../models/speaking.js"
 * @import { Room, Visit } from "../models/visit.js"
 * @typedef {"opening" | "checking" | "joining" | "live" | "reconnecting" | "paused" | "moved" | "refused" | "resting" | "removing" | "ending" | "over"} State
 */

const ANNOUNCED_WITHIN = 1_500
// Where a question is in sight, or about to be.
const ASKING = new Set(["joining", "live", "reconnecting", "paused"])

/**
 * `<interview-room>`: leads from the device check through the questions to the thank-you, and
 * through whatever the network does meanwhile. Its `data-state` says where it stands, its
 * `data-voice` whether the moderator is heard: “began”, “ended”, or “silent” for a question that
 * nobody reads.
 */
class InterviewRoom extends HTMLElement {
  #room = /** @type {Room} */ (JSON.parse(document.getElementById("room-settings")?.textContent ?? "{}"))
  #kept = keptFor(this.#room.id)
  #left = new AbortController()
  #isReturning = false
  /** @type {Instruments | null} */
  #instruments = null
  /** @type {Speaking | null} */
  #speaking = null
  /** @type {WayOut | null} */
  #wayOut = null
  /** @type {Choice} */
  #choice = { mode: "voice", camera: false }

  async connectedCallback() {
    const visit = await visitTo(this.#room, this.#kept, () => this.#monitor.level)
    visit.recording.types.remember(this.#kept)
    this.#wayOut = new WayOut(this, visit, this.#kept)
    this.#instruments = new Instruments(this, visit, this.#kept, this.#left.signal)
    this.#speaking = voiceOf(visit, () => this.#monitor.level, this.#left.signal)
    for (const what of ["began", "ended", "silent"]) {
      this.#speaking.addEventListener(what, () => this.setAttribute("data-voice", what))
    }
    piece(this, "hands-free", HandsFree).listen({
      level: () => this.#monitor.level,
      answer: () => this.#spokenAnswer(visit),
      speaking: this.#speaking,
    })
    this.#listen(visit)
    await visit.uplink.open()
    if (this.#room.over) return this.#wayOut.end(Promise.resolve())
    if (this.#wayOut.isResting) return this.#wayOut.showRest()
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
    if (!ASKING.has(state)) this.#speaking?.stop()
    for (const step of this.querySelectorAll("[data-shown-in]")) {
      const isShown = step.getAttribute("data-shown-in")?.split(" ").includes(state)
      step.toggleAttribute("hidden", !isShown)
    }
  }

  /** @param {Visit} visit */
  #listen(visit) {
    const { signal } = this.#left
    visit.addEventListener("contact", () => this.#follow(visit))
    visit.addEventListener("moved", () => this.#step(visit, "moved"))
    visit.addEventListener("refused", () => this.#step(visit, "refused"))
    visit.addEventListener("lost", (event) => this.#check(visit, detailOf(event)))
    visit.addEventListener("unrecordable", () => this.#type(visit))
    visit.addEventListener("devices", () => this.#seeDevices(visit))
    piece(this, "check").addEventListener("ready", (event) => this.#begin(visit, detailOf(event)))
    this.addEventListener("camera-wanted", (event) => this.#switchCamera(visit, detailOf(event)))
    this.addEventListener("answer-refused", (event) => this.#beRefused(visit, detailOf(event)))
    this.addEventListener("click", (event) => this.#click(visit, event))
    const stop = piece(this, "stop", HTMLDialogElement)
    stop.addEventListener("close", () => {
      if (stop.returnValue === "keep") this.#wayOut?.finish({ early: true })
      if (stop.returnValue === "delete") this.#wayOut?.withdraw()
    })
    // An answer is heard as soon as its last word is on the server.
    this.addEventListener("submit", () => visit.recording.flush(), { signal, capture: true })
    addEventListener("online", () => visit.uplink.hurry(), { signal })
    // A page that is reloaded lives until the next one answers: time to keep what is in flight.
    addEventListener("beforeunload", () => visit.recording.flush(), { signal })
    addEventListener("pagehide", () => visit.depart(), { signal })
    // A page that the browser had put aside has lost its socket and its locks.
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload(), { signal })
    document.addEventListener("visibilitychange", () => visit.recording.flush(), { signal })
    keepScreenOn(signal)
  }

  // ---- coming in

  /**
   * @param {Visit} visit
   * @param {unknown} [cause] what went wrong with the devices
   */
  async #check(visit, cause) {
    await visit.recording.end("device_change")
    this.state = "checking"
    const chosen = JSON.parse(this.#kept.get("choice") ?? "{}")
    const check = piece(this, "check", DeviceCheck)
    check.dataset.kept = String(visit.recording.elapsed > 0)
    check.begin(visit.devices, chosen, cause)
  }

  /**
   * @param {Visit} visit
   * @param {Choice} choice
   */
  async #begin(visit, choice) {
    // Who could only type and now wants to speak gives the browser another chance.
    if (this.#choice.mode === "typing") visit.recording.types.forgive()
    await this.#join(visit, choice)
  }

  /**
   * @param {Visit} visit
   * @param {Choice} choice
   * @param {{ takeOver?: boolean, isReturn?: boolean }} [how] on a return the question stays in sight
   * @returns {Promise<void>}
   */
  async #join(visit, choice, { takeOver = false, isReturn = false } = {}) {
    this.#remember(choice)
    if (!isReturn) this.state = "joining"
    const arrival = await visit.arrive({ takeOver })
    if (arrival === "over") return this.#wayOut?.end(Promise.resolve())
    if (arrival === "withdrawn") return location.replace(this.#room.url)
    if (arrival !== "here") return this.#step(visit, arrival === "elsewhere" ? "moved" : "refused")
    visit.stay()
    try {
      await visit.record(choice)
    } catch (cause) {
      return cause instanceof CannotRecord ? this.#type(visit) : this.#check(visit, cause)
    }
    this.#instruments?.showDevices()
    // The moderator's first words belong to a part, so the server should know of it by then.
    await Promise.race([visit.recording.announced, wallClock.sleep(ANNOUNCED_WITHIN)])
    return this.#ask(visit)
  }

  /**
   * Show where the conversation stands.
   *
   * @param {Visit} visit
   * @param {{ anew?: boolean }} [how]
   * @returns {Promise<void>}
   */
  async #ask(visit, how) {
    const isTyping = this.#choice.mode === "typing"
    const surroundings = {
      isTyping,
      speaking: /** @type {Speaking} */ (this.#speaking),
      get moment() {
        return visit.recording.moment
      },
    }
    try {
      await this.#question.load(surroundings, how)
    } catch (cause) {
      return this.#beRefused(visit, cause instanceof Refused ? cause.status : 0)
    }
    // The microphone may have been lost meanwhile.
    if (this.state === "checking") return undefined
    this.state = "live"
    this.#question.takeFocus()
    return this.#follow(visit)
  }

  #greet() {
    const greeting = piece(this, "greeting")
    greeting.textContent = this.#room.whereWeWere
    const fall = () => {
      greeting.textContent = ""
    }
    this.addEventListener("htmx:beforeSwap", fall, { once: true })
  }

  /** So that they know whether they will hear the moderator. */
  async #playSample() {
    const { sample: text, language, url } = this.#room
    const said = new AbortController()
    const unheard = piece(this, "unheard")
    unheard.textContent = ""
    const explain = () => {
      unheard.textContent = whyUnheard(voiceIsWanted())
    }
    this.#speaking?.addEventListener("silent", explain, said)
    await this.#speaking?.say({ text, language, url: `${url}/speech-sample` })
    said.abort()
  }

  // ---- while it runs

  /**
   * React to what the network does.
   *
   * @param {Visit} visit
   * @returns {Promise<void>}
   */
  async #follow(visit) {
    this.#instruments?.show()
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
      if (this.state === "paused") await this.#return(visit)
      else this.state = "live"
    }
  }

  /** @param {Visit} visit */
  async #return(visit) {
    // Contact may come and go while the way back is under way.
    if (this.#isReturning) return
    this.#isReturning = true
    await this.#join(visit, this.#choice, { isReturn: true })
    this.#isReturning = false
    await this.#follow(visit)
  }

  /**
   * @param {Visit} visit
   * @param {boolean} on
   */
  async #switchCamera(visit, on) {
    this.#monitor.hint("")
    this.#instruments?.cameraIsBusy(true)
    await visit.switchCamera(on, this.#choice.cameraId)
    this.#instruments?.cameraIsBusy(false)
    this.#seeDevices(visit)
  }

  /** @param {Visit} visit */
  #seeDevices(visit) {
    this.#remember({ ...this.#choice, camera: visit.devices.camera !== null })
    this.#instruments?.showDevices()
  }

  /**
   * The browser can't record: the interview goes on in writing.
   *
   * @param {Visit} visit
   */
  async #type(visit) {
    visit.devices.close()
    this.#remember({ ...this.#choice, mode: "typing", camera: false })
    this.#instruments?.showDevices()
    await this.#ask(visit)
    this.#monitor.hint(visit.uplink.blocked === "full" ? BLOCKED.full : CANNOT_RECORD)
  }

  /** @param {Choice} choice */
  #remember(choice) {
    this.#choice = choice
    this.dataset.mode = choice.mode
    this.#kept.set("choice", JSON.stringify(choice))
  }

  /**
   * @param {Visit} visit
   * @param {Event} event
   */
  #click(visit, event) {
    const pressed = event.target instanceof Element ? event.target.closest("[data-piece]") : null
    const name = pressed?.getAttribute("data-piece")
    if (name === "listen") this.#playSample()
    if (name === "repeat") this.#speaking?.again()
    if (name === "pause") this.#wayOut?.rest()
    if (name === "go-on") this.#goOn(visit)
    if (name === "finish") this.#wayOut?.finish({ early: false })
    if (name === "leave") this.#askWhetherToStop()
    if (name === "here") this.#join(visit, this.#choice, { takeOver: true })
    if (name === "devices") this.#check(visit)
    if (name === "reload") location.reload()
  }

  /** @param {Visit} visit */
  #spokenAnswer(visit) {
    const { answer } = this.#question
    const isHeard = this.state === "live" || this.state === "reconnecting"
    return isHeard && visit.recording.isRunning && answer?.isSpoken ? answer : null
  }

  // ---- going out

  #askWhetherToStop() {
    this.#speaking?.stop()
    const dialog = piece(this, "stop", HTMLDialogElement)
    // Else Escape would do what was chosen the last time.
    dialog.returnValue = ""
    dialog.showModal()
  }

  /** @param {Visit} visit */
  #goOn(visit) {
    this.#wayOut?.goOn()
    const chosen = this.#kept.get("choice")
    return chosen ? this.#join(visit, JSON.parse(chosen)) : this.#check(visit)
  }

  /**
   * The interview goes on without this tab.
   *
   * @param {Visit} visit
   * @param {"moved" | "refused"} state
   */
  async #step(visit, state) {
    if (this.#wayOut?.isEnding) return
    this.state = state
    await visit.moveOut()
    this.#instruments?.showDevices()
  }

  /**
   * The server would not take an answer, or would not say what comes next.
   *
   * @param {Visit} visit
   * @param {number} status
   * @returns {Promise<void>}
   */
  async #beRefused(visit, status) {
    if (status === 409) return this.#step(visit, "moved")
    if (status === 410) return this.#wayOut?.finish({ early: false })
    // The form's token may be of an earlier sign-in: the question brings a fresh one.
    if (status === 400) return this.#ask(visit, { anew: true })
    return this.#step(visit, "refused")
  }

  get #question() {
    return piece(this, "question", RoomQuestion)
  }

  get #monitor() {
    return piece(this, "monitor", SelfMonitor)
  }
}

/** @param {Event} event */
function detailOf(event) {
  return /** @type {CustomEvent} */ (event).detail
}

customElements.define("interview-room", InterviewRoom)
