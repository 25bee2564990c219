import { getAnswersLink, getWayOn } from "../helpers/http.js"
import { piece, pieceIfAny } from "../helpers/pieces.js"
import { translate } from "../helpers/translate.js"
import { BLOCKED } from "../helpers/words.js"
import { RoomEnding } from "./room-ending.js"

/**
 * @import { keptFor } from "../helpers/kept.js"
 * @import { State } from "./interview-room.js"
 * @import { Visit } from "../models/visit.js"
 */

const NOT_SENT = translate("A piece of your recording could not be sent.")
const STILL_SENDING = translate("The last seconds are still on their way. Please keep this page open for a moment.")
const MAY_CLOSE = translate("Everything you said is safe. You can close this page and come back by the same link within a week.")

/**
 * The ways out of the room: a break, the end, and taking back all that was said.
 */
export class WayOut {
  /**
   * @param {HTMLElement & { state: State }} room
   * @param {Visit} visit
   * @param {ReturnType<typeof keptFor>} kept
   */
  constructor(room, visit, kept) {
    this.room = room
    this.visit = visit
    this.kept = kept
  }

  /** Whether this tab takes a break, also after a reload. */
  get isResting() {
    return this.kept.get("resting") === "yes"
  }

  get isEnding() {
    return ["ending", "removing", "over"].includes(this.room.state)
  }

  /** Let go of the microphone and the camera until they want to go on. */
  async rest() {
    if (this.room.state !== "live" && this.room.state !== "reconnecting" && this.room.state !== "paused") return
    this.kept.set("resting", "yes")
    const told = this.visit.rest()
    await this.showRest(told)
  }

  /** @param {Promise<unknown>} [told] settles when the server knows, and the last byte is kept here */
  async showRest(told = Promise.resolve()) {
    this.room.state = "resting"
    const line = piece(this.room, "rest-line")
    line.textContent = STILL_SENDING
    piece(this.room, "go-on").focus()
    await told
    await this.visit.uplink.drained()
    if (this.room.state === "resting") line.textContent = this.visit.uplink.blocked ? NOT_SENT : MAY_CLOSE
  }

  goOn() {
    this.kept.set("resting", null)
  }

  /** @param {{ early: boolean }} how */
  async finish(how) {
    if (!this.isEnding) await this.end(this.visit.finish(how))
  }

  /** @param {Promise<unknown>} told settles when the server knows that the interview is over */
  async end(told) {
    this.room.state = "ending"
    await this.visit.recording.end("finished")
    const { uplink } = this.visit
    await piece(this.room, "ending", RoomEnding).finish(uplink, told)
    this.#forget()
    const { blocked } = uplink
    piece(this.room, "left-over").hidden = !blocked
    if (blocked) piece(this.room, "left-over").textContent = `${NOT_SENT} ${BLOCKED[blocked]}`
    this.room.state = "over"
    piece(this.room, "thanks").focus()
    await Promise.all([this.#offerTheirAnswers(), blocked ? null : this.#offerTheWayOn()])
  }

  /** The same link again after a reload, for they may have kept it. */
  async #offerTheirAnswers() {
    const link = await getAnswersLink(this.visit.room.url, this.kept.get("answers")).catch(() => null)
    if (!link) return
    this.kept.set("answers", link.token)
    piece(this.room, "answers-link", HTMLAnchorElement).href = link.address
    piece(this.room, "answers-until").textContent = link.until
    piece(this.room, "answers").hidden = false
  }

  /** A button, and never by itself: what is still on its way would be left behind. */
  async #offerTheWayOn() {
    const link = pieceIfAny(this.room, "way-on")
    if (!(link instanceof HTMLAnchorElement)) return
    const address = await getWayOn(this.visit.room.url).catch(() => null)
    if (!address) return
    link.href = address
    link.hidden = false
  }

  /** Nothing of it is to be kept, here or there. */
  async withdraw() {
    if (this.isEnding) return
    this.room.state = "removing"
    piece(this.room, "removing").focus()
    if (!(await this.visit.withdraw())) {
      this.room.state = "refused"
      return
    }
    this.#forget()
    // The server says what became of it, with the receipt.
    location.replace(this.visit.room.url)
  }

  #forget() {
    for (const name of ["choice", "recorded", "safe", "typing", "resting"]) this.kept.set(name, null)
    this.visit.traces.clear()
  }
}
