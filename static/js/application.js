// The workplace's scripts: its elements, and what HTMX leaves to the page.

import "./elements/copy-button.js"
import "./elements/download-list.js"
import "./elements/highlight-form.js"
import "./elements/in-place-form.js"
import "./elements/list-search.js"
import "./elements/live-updates.js"
import "./elements/menu-button.js"
import "./elements/modal-dialog.js"
import "./elements/question-list.js"
import "./elements/recording-player.js"
import "./elements/recording-timeline.js"
import "./elements/player-captions.js"
import "./elements/player-controls.js"
import "./elements/row-list.js"
import "./elements/row-selection.js"
import "./elements/text-by-language.js"
import "./elements/transcript-find.js"
import "./elements/transcript-view.js"
import "./elements/voice-sample.js"

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
  const { target, requestConfig } = /** @type {CustomEvent} */ (event).detail
  if (!(target instanceof Element)) return false
  // What somebody writes in would be gone with a look that the page takes by itself; what came
  // meanwhile is told when they save. And what is let go on another button than it was pressed
  // on is no click.
  const isByItself = requestConfig?.elt === target
  const held = isByItself ? ":popover-open, [data-unfinished], :active" : ":popover-open"
  return target.querySelector(held) !== null
}

for (const name of ["htmx:beforeSwap", "htmx:oobBeforeSwap"]) {
  document.addEventListener(name, (event) => {
    // An open menu would be gone with its row. The next look comes soon enough.
    if (isSwapUnwelcome(event)) /** @type {CustomEvent} */ (event).detail.shouldSwap = false
  })
}

// What a person has opened stays open when the partial around it is swapped.
/** @type {Set<string>} */
const opened = new Set()

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = /** @type {CustomEvent} */ (event).detail
  opened.clear()
  for (const details of target.querySelectorAll("details[id][open]")) opened.add(details.id)
})

document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "")
})

// What is being written beside what was just saved is carried over into what comes of that.
/** @type {{ form: Element, place: string }[]} */
let unfinished = []

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig, shouldSwap } = /** @type {CustomEvent} */ (event).detail
  const forms = shouldSwap ? [...target.querySelectorAll("[data-unfinished]")] : []
  unfinished = forms
    .filter((form) => !form.contains(requestConfig?.elt ?? null))
    .map((form) => ({ form, place: form.parentElement?.id ?? "" }))
  // Out of the way before the swap, which would take its listeners.
  for (const { form } of unfinished) form.remove()
})

document.addEventListener("htmx:afterSwap", () => {
  for (const { form, place } of unfinished.splice(0)) document.getElementById(place)?.replaceChildren(form)
})

document.addEventListener("htmx:afterRequest", (event) => {
  const { successful, requestConfig } = /** @type {CustomEvent} */ (event).detail
  // A look that the page takes by itself says nothing about what was done before it.
  const isAPersons = requestConfig?.triggeringEvent?.isTrusted ?? false
  if (successful && isAPersons) messages().forEach((place) => place.replaceChildren())
  // Back after it could not be reached.
  else if (successful) messages().forEach((place) => place.textContent?.trim() === OFFLINE && place.replaceChildren())
})

document.addEventListener("htmx:afterSwap", (event) => {
  const target = /** @type {CustomEvent} */ (event).detail.target
  const held = document.activeElement
  // What was closed gives the focus back to its row.
  const { elt } = /** @type {CustomEvent} */ (event).detail.requestConfig ?? {}
  const opener = elt instanceof HTMLElement && elt.dataset.openedBy
  if (target?.id === "detail" && opener) {
    document.getElementById(opener)?.focus()
    return
  }
  // A dialog is done with when what came of it stands on the page behind it.
  if (elt instanceof Element && elt.closest("[data-closes]")) elt.closest("dialog")?.close()
  // What was done in a form that gave way to what came of it leads back to where it was begun.
  const back = elt instanceof Element && elt.closest("[data-back-to]")
  if (back instanceof HTMLElement && !back.isConnected) {
    document.getElementById(back.dataset.backTo ?? "")?.focus({ preventScroll: true })
    return
  }
  // On a phone the chosen row gives way to what was chosen, and the focus goes along.
  if (target?.id === "detail" && (held === document.body || !held?.checkVisibility())) {
    document.getElementById("detail")?.focus({ preventScroll: true })
  }
})

document.addEventListener("keydown", ({ key, target, defaultPrevented, metaKey, ctrlKey, altKey }) => {
  const isWritten = target instanceof Element && target.matches("input, textarea, select, [contenteditable]")
  if (key !== "?" || isWritten || defaultPrevented || metaKey || ctrlKey || altKey) return
  document.getElementById("help-link")?.click()
})

// On a phone there are more tabs than room for them.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" })

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
