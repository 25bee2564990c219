import { translate } from "./translate.js"

const SOON = 1_000
const LONG = 8_000

/**
 * Say that it goes on while an answer is being thought about, so that the page never seems frozen.
 *
 * @param {HTMLElement} place a live region
 * @returns {() => void} ends it
 */
export function showPatience(place) {
  const say = (/** @type {string} */ text) => {
    place.textContent = text
  }
  const soon = setTimeout(() => say(translate("Thank you, one moment…")), SOON)
  const long = setTimeout(() => say(translate("This takes longer than usual; your answer is safe.")), LONG)
  return () => {
    clearTimeout(soon)
    clearTimeout(long)
    say("")
  }
}
