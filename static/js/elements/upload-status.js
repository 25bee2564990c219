import { piece } from "../helpers/pieces.js"
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
    write(piece(this, "line"), text)
    write(piece(this, "status-spoken"), spoken ?? text)
  }
}

/**
 * @param {Standing} standing
 * @returns {{ tone: "live" | "warn" | "bad" | "quiet", text: string, spoken?: string }}
 */
function lineFor({ isRecording, isDown, isTyping, contact, blocked, isLasting, elapsed, safe }) {
  if (contact === "away") {
    const kept = isTyping ? "What you sent is safe" : "Everything so far is safe"
    const advice = isLasting || isTyping ? "it goes on by itself" : "keep this page open"
    return { tone: "warn", text: `Paused — no connection. ${kept}; ${advice}.` }
  }
  if (blocked) return { tone: "bad", text: BLOCKED[blocked] }
  if (contact === "reconnecting") return { tone: "warn", text: `Reconnecting… ${keepGoing(isTyping, isLasting)}` }
  if (isTyping) return { tone: "quiet", text: "No sound is recorded. Your answers are kept as you send them." }
  if (isDown) return { tone: "warn", text: `Not recording at the moment.${upTo(safe)}`, spoken: "Not recording at the moment." }
  if (!isRecording) return { tone: "quiet", text: "Starting to record…" }
  if (elapsed - safe > BEHIND) {
    return { tone: "warn", text: `Recording — the connection is slow. ${keepGoing(isTyping, isLasting)}`, spoken: "The connection is slow." }
  }
  const held = safe < 1_000 ? "saving the first seconds" : `everything up to ${clock(safe)} is safe`
  const advice = isLasting ? "" : ". Keep this page open"
  return { tone: "live", text: `Recording — ${held}${advice}`, spoken: `Recording${advice}` }
}

/** @param {number} safe */
function upTo(safe) {
  return safe < 1_000 ? "" : ` Everything up to ${clock(safe)} is safe.`
}

/**
 * @param {boolean} isTyping
 * @param {boolean} isLasting
 */
function keepGoing(isTyping, isLasting) {
  if (isTyping) return "Your answers are kept."
  return isLasting ? "Keep talking: it is kept on this device." : "Keep talking, and keep this page open."
}

/**
 * @param {HTMLElement} place
 * @param {string} text
 */
function write(place, text) {
  if (place.textContent !== text) place.textContent = text
}

customElements.define("upload-status", UploadStatus)
