/**
 * @import { Reason } from "../models/part_upload.js"
 * @import { Trouble } from "../models/devices.js"
 * @import { Notice, Trouble as RecordingTrouble } from "../models/caretaker.js"
 */

/**
 * Milliseconds as people read a clock: 0:07, 12:41, 1:02:03.
 *
 * @param {number} ms
 */
export function clock(ms) {
  const seconds = Math.floor(ms / 1_000)
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0")
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}

/** @type {Record<Reason, string>} */
export const BLOCKED = {
  not_admitted: "This browser may no longer send to this interview. Ask the person who invited you for a new link.",
  too_large: "The network here refuses our recordings. Try another network; nothing is lost.",
  not_taken: "The server does not take this recording. Tell the person who invited you.",
  disk_full: "The server has no room left at the moment. We keep trying.",
  gone: "The server no longer has a place for this recording. Tell the person who invited you.",
  lost: "The server has lost a piece of this recording. Tell the person who invited you.",
}

export const CANNOT_RECORD =
  "This browser could not record. You can type your answers; what was recorded before is safe."

/** @type {Record<RecordingTrouble, string>} */
export const RECORDING_TROUBLES = {
  muted: "Your microphone is muted by the system or another program. Unmute it to go on.",
  not_recording: "We are trying to record again. Please wait a little, or type your answer.",
}

/**
 * One line for what has happened to the recording.
 *
 * @param {Notice} notice
 * @param {string} microphone the name of the one that is open now
 */
export function wordsFor(notice, microphone) {
  return {
    restarted: "The recording paused for a moment. Please say your last sentence again; the rest is safe.",
    microphone_changed: `Your microphone was disconnected. We go on with ${microphone || "another one"}; what you said is safe.`,
    camera_lost: "Your camera stopped. We go on with your voice; everything so far is safe.",
    camera_resting: "Your camera gives no picture. Just go on: your voice is recorded.",
    camera_refused: CAMERA_TROUBLE,
    picture_dropped: "This browser could not record the picture. We go on with your voice.",
  }[notice]
}

export const CAMERA_TROUBLE = "The camera cannot be used. Allow it in the browser, or go on without it."

/** @type {Record<Trouble, { title: string, text: string }>} */
export const DEVICE_TROUBLES = {
  refused: {
    title: "Your browser does not let us use the microphone",
    text: "You, or a setting, said no. You can change that:",
  },
  none: {
    title: "We cannot find a microphone",
    text: "Plug one in, or connect your headset, then try again.",
  },
  busy: {
    title: "Another program is using the microphone",
    text: "Close other calls and programs that may use it, then try again.",
  },
  insecure: {
    title: "This browser cannot record here",
    text: "Open the link in a current version of Chrome, Firefox, Safari or Edge.",
  },
  unknown: {
    title: "The microphone did not start",
    text: "Unplug it and plug it in again, or choose another one, then try again.",
  },
}

/**
 * How to allow the microphone in the browser at hand.
 *
 * @param {string} agent
 * @returns {string[]}
 */
export function howToAllow(agent = navigator.userAgent) {
  if (/iPhone|iPad/.test(agent)) {
    return [
      "Tap the page menu at the left of the address bar, then “Website Settings”.",
      "Set “Microphone” to “Allow”.",
      "If that is not there: open the Settings app, then Apps, Safari, Microphone.",
    ]
  }
  if (/Android/.test(agent)) {
    return [
      "Tap the sign at the left of the address bar, then “Permissions”.",
      "Switch “Microphone” on.",
      "If that is not there: open Settings, Apps, your browser, Permissions.",
    ]
  }
  if (/Firefox/.test(agent)) {
    return [
      "Click the crossed-out microphone at the left of the address bar.",
      "Remove “Blocked” beside “Use the microphone”.",
    ]
  }
  if (/Safari/.test(agent) && !/Chrome|Chromium|Edg/.test(agent)) {
    return ["In the menu bar choose Safari, then “Settings for this website”.", "Set “Microphone” to “Allow”."]
  }
  return ["Click the sign at the left of the address bar.", "Switch “Microphone” on."]
}
