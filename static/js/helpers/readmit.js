import { send } from "./http.js"

/**
 * Ask for the cookie that this browser has lost. Answers whether it was given.
 *
 * @param {string} interview
 * @param {string} key
 */
export async function readmit(interview, key) {
  return send("POST", `/room/${interview}/readmissions`, { key }).then(
    () => true,
    () => false,
  )
}
