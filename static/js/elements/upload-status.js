import { piece } from "../helpers/pieces.js"
import { translate } from "../helpers/translate.js"
import { BLOCKED, clock } from "../helpers/words.js"

/**
 * @import { Contact } from "../models/presence.js"
 * @import { Reason } from "../models/part_upload.js"
 *
 * @typedef {object} Standing
 * @property {boolean} isRecording
 * @property {boolean} isDown whether it should be recorded, and has not been for a while
 * @property {boolean} isTyping
 * @property {Contact} contact
 * @property {Reason | null} blocked
 * @property {boolean} isLasting whether what waits would survive a reload
 * @property {number} elapsed milliseconds recorded in all
 * @property {number} safe milliseconds up to which everything is on the server
 * @property {number} durable bytes
 * @property {number} waiting bytes
 * @property {number | null} part
 * @property {number} safeOfPart milliseconds of that part that are on the server
 */

// What is recorded needs a moment to be cut, kept, sent and acknowledged.
const BEHIND = 10_000

/**
 * `<upload-status>`: one calm line that says what is recorded and what is safe. The running line
 * is for the eyes; those who listen hear it only when its meaning changes.
 */
export class UploadStatus extends HTMLElement {
  /** @param {Standing} standing */
  show(standing) {
    const { tone, text, spoken } = lineFor(standing)
    this.dataset.tone = tone
    this.dataset.safeBytes = String(standing.durable)
    this.dataset.waitingBytes = String(standing.waiting)
    this.dataset.partNumber = String(standing.part ?? "")
    this.dataset.safeOfPart = String(standing.safeOfPart)
    write(piece(this, "line"), text)
    write(piece(this, "status-spoken"), spoken ?? text)
  }
}

/**
 * @param {Standing} standing
 * @returns {{ tone: "live" | "warn" | "bad" | "quiet", text: string, spoken?: string }}
 */
function lineFor({ isRecording, isDown, isTyping, contact, blocked, isLasting, elapsed, safe }) {
  if (contact === "away") return { tone: "warn", text: paused(isTyping, isLasting) }
  if (blocked) return { tone: "bad", text: BLOCKED[blocked] }
  if (contact === "reconnecting") return { tone: "warn", text: both(translate("Reconnecting…"), keepGoing(isTyping, isLasting)) }
  if (isTyping) return { tone: "quiet", text: translate("No sound is recorded. Your answers are kept as you send them.") }
  if (isDown) {
    const spoken = translate("Not recording at the moment.")
    return { tone: "warn", text: both(spoken, upTo(safe)), spoken }
  }
  if (!isRecording) return { tone: "quiet", text: translate("Starting to record…") }
  if (elapsed - safe > BEHIND) {
    const text = both(translate("Recording — the connection is slow."), keepGoing(isTyping, isLasting))
    return { tone: "warn", text, spoken: translate("The connection is slow.") }
  }
  const time = clock(safe)
  if (!isLasting) {
    const spoken = translate("Recording. Keep this page open")
    if (safe < 1_000) return { tone: "live", text: translate("Recording — saving the first seconds. Keep this page open"), spoken }
    return { tone: "live", text: translate("Recording — everything up to {time} is safe. Keep this page open", { time }), spoken }
  }
  const held = safe < 1_000 ? translate("Recording — saving the first seconds") : translate("Recording — everything up to {time} is safe", { time })
  return { tone: "live", text: held, spoken: translate("Recording") }
}

/**
 * @param {boolean} isTyping
 * @param {boolean} isLasting
 */
function paused(isTyping, isLasting) {
  if (isTyping) return translate("Paused — no connection. What you sent is safe; it goes on by itself.")
  if (isLasting) return translate("Paused — no connection. Everything so far is safe; it goes on by itself.")
  return translate("Paused — no connection. Everything so far is safe; keep this page open.")
}

/**
 * @param {string} one
 * @param {string} other
 */
function both(one, other) {
  return `${one} ${other}`.trim()
}

/** @param {number} safe */
function upTo(safe) {
  return safe < 1_000 ? "" : translate("Everything up to {time} is safe.", { time: clock(safe) })
}

/**
 * @param {boolean} isTyping
 * @param {boolean} isLasting
 */
function keepGoing(isTyping, isLasting) {
  if (isTyping) return translate("Your answers are kept.")
  return isLasting ? translate("Keep talking: it is kept on this device.") : translate("Keep talking, and keep this page open.")
}

/**
 * @param {HTMLElement} place
 * @param {string} text
 */
function write(place, text) {
  if (place.textContent !== text) place.textContent = text
}

customElements.define("upload-status", UploadStatus)
