// The workplace's scripts: its elements, and what HTMX leaves to the page.

import "./elements/copy-button.js"
import "./elements/live-updates.js"
import "./elements/menu-button.js"
import "./elements/modal-dialog.js"
import "./elements/question-list.js"
import "./elements/recording-player.js"
import "./elements/row-list.js"
import "./elements/transcript-view.js"

const OFFLINE = "The server cannot be reached just now. Nothing is lost; try once more in a moment."
const REFUSED = "That did not go through. Reload the page and try once more."

/** @param {string} text */
function say(text) {
  // What lies behind an open dialog is neither seen nor read aloud.
  const place = document.querySelector("dialog[open] [data-messages]") ?? messages()[0]
  // Said once, not with every look that fails.
  if (place?.textContent?.trim() === text) return
  const message = document.createElement("p")
  message.className = "messages__message"
  message.textContent = text
  place?.replaceChildren(message)
}

const messages = () => document.querySelectorAll("[data-messages]")

/** @param {Event} event */
function isSwapUnwelcome(event) {
  const target = /** @type {CustomEvent} */ (event).detail.target
  return target instanceof Element && target.querySelector(":popover-open") !== null
}

document.addEventListener("htmx:beforeSwap", (event) => {
  // An open menu would be gone with its row. The next look comes in a few seconds.
  if (isSwapUnwelcome(event)) /** @type {CustomEvent} */ (event).detail.shouldSwap = false
})

document.addEventListener("htmx:afterRequest", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.successful) {
    messages().forEach((place) => place.replaceChildren())
  }
})

document.addEventListener("htmx:afterSwap", (event) => {
  const target = /** @type {CustomEvent} */ (event).detail.target
  const held = document.activeElement
  // On a phone the chosen row gives way to what was chosen, and the focus goes along.
  if (target?.id === "detail" && (held === document.body || !held?.checkVisibility())) {
    document.getElementById("detail")?.focus({ preventScroll: true })
  }
})

document.addEventListener("htmx:sendError", () => say(OFFLINE))

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = /** @type {CustomEvent} */ (event).detail
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html")
  say(page.querySelector("[data-refusal]")?.textContent ?? REFUSED)
})

document.addEventListener("focusin", (event) => {
  if (event.target instanceof HTMLInputElement && "select" in event.target.dataset) {
    event.target.select()
  }
})
