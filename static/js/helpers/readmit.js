import { Refused, send } from "./http.js"

/**
 * Ask for the cookie that this browser has lost. Answers whether it was given; throws when nobody
 * answered.
 *
 * @param {string} interview
 * @param {string} key
 */
export async function readmit(interview, key) {
  try {
    await send("POST", `/room/${interview}/readmissions`, { key, framed: window.top !== window.self })
    return true
  } catch (cause) {
    if (cause instanceof Refused) return false
    throw cause
  }
}
