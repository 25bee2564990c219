import { translate } from "./translate.js"

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
  not_admitted: translate("This browser may no longer send to this interview. Ask the person who invited you for a new link."),
  too_large: translate("The network here refuses our recordings. Try another network; nothing is lost."),
  full: translate("As much as one interview may hold has been recorded, and it is safe. Please type your answers from here on."),
  not_taken: translate("The server does not take this recording. Tell the person who invited you."),
  disk_full: translate("The server has no room left at the moment. We keep trying."),
  gone: translate("The server no longer has a place for this recording. Tell the person who invited you."),
  lost: translate("The server has lost a piece of this recording. Tell the person who invited you."),
}

export const CANNOT_RECORD =
  translate("This browser could not record. You can type your answers; what was recorded before is safe.")

/**
 * Why the test sentence is not heard.
 *
 * @param {boolean} isWanted whether the participant lets questions be read aloud
 */
export function whyUnheard(isWanted) {
  return isWanted
    ? translate("Nothing can be read aloud here. You can read every question instead.")
    : translate("You have switched reading aloud off. In the interview, the loudspeaker at the top switches it on again.")
}

/** @type {Record<RecordingTrouble, string>} */
export const RECORDING_TROUBLES = {
  muted: translate("Your microphone is muted by the system or another program. Unmute it to go on."),
  not_recording: translate("We are trying to record again. Please wait a little, or type your answer."),
}

/**
 * One line for what has happened to the recording.
 *
 * @param {Notice} notice
 * @param {string} microphone the name of the one that is open now
 */
export function wordsFor(notice, microphone) {
  return {
    restarted: translate("The recording paused for a moment. Please say your last sentence again; the rest is safe."),
    microphone_changed: microphone
      ? translate("Your microphone was disconnected. We go on with {microphone}; what you said is safe.", { microphone })
      : translate("Your microphone was disconnected. We go on with another one; what you said is safe."),
    camera_lost: translate("Your camera stopped. We go on with your voice; everything so far is safe."),
    camera_resting: translate("Your camera gives no picture. Just go on: your voice is recorded."),
    camera_refused: CAMERA_TROUBLE,
    picture_dropped: translate("This browser could not record the picture. We go on with your voice."),
  }[notice]
}

export const CAMERA_TROUBLE = translate("The camera cannot be used. Allow it in the browser, or go on without it.")

/** @type {Record<Trouble, { title: string, text: string }>} */
export const DEVICE_TROUBLES = {
  refused: {
    title: translate("Your browser does not let us use the microphone"),
    text: translate("You, or a setting, said no. You can change that:"),
  },
  none: {
    title: translate("We cannot find a microphone"),
    text: translate("Plug one in, or connect your headset, then try again."),
  },
  busy: {
    title: translate("Another program is using the microphone"),
    text: translate("Close other calls and programs that may use it, then try again."),
  },
  insecure: {
    title: translate("This browser cannot record here"),
    text: translate("Open the link in a current version of Chrome, Firefox, Safari or Edge."),
  },
  unknown: {
    title: translate("The microphone did not start"),
    text: translate("Unplug it and plug it in again, or choose another one, then try again."),
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
      translate("Tap the page menu at the left of the address bar, then “Website Settings”."),
      translate("Set “Microphone” to “Allow”."),
      translate("If that is not there: open the Settings app, then Apps, Safari, Microphone."),
    ]
  }
  if (/Android/.test(agent)) {
    return [
      translate("Tap the sign at the left of the address bar, then “Permissions”."),
      translate("Switch “Microphone” on."),
      translate("If that is not there: open Settings, Apps, your browser, Permissions."),
    ]
  }
  if (/Firefox/.test(agent)) {
    return [
      translate("Click the crossed-out microphone at the left of the address bar."),
      translate("Remove “Blocked” beside “Use the microphone”."),
    ]
  }
  if (/Safari/.test(agent) && !/Chrome|Chromium|Edg/.test(agent)) {
    return [translate("In the menu bar choose Safari, then “Settings for this website”."), translate("Set “Microphone” to “Allow”.")]
  }
  return [translate("Click the sign at the left of the address bar."), translate("Switch “Microphone” on.")]
}
