import { keptFor } from "../helpers/kept.js"
import { piece } from "../helpers/pieces.js"
import { translate } from "../helpers/translate.js"
import { readmit } from "../helpers/readmit.js"
import { tracesOf } from "../helpers/traces.js"
import { BLOCKED } from "../helpers/words.js"
import { Journal } from "../models/journal.js"
import { Uplink } from "../models/uplink.js"

/**
 * `<left-over>`: on the pages that links lead to, sends what earlier interviews left in this
 * browser, before anything else happens here. It shows itself only when there is something.
 */
class LeftOver extends HTMLElement {
  #most = 0

  async connectedCallback() {
    const journal = await Journal.open()
    const uplinks = (await journal.interviews()).map((interview) => uplinkFor(journal, interview))
    for (const uplink of uplinks) {
      uplink.addEventListener("progress", () => this.#show(uplinks))
      await uplink.open()
    }
    this.#show(uplinks)
    addEventListener("online", () => uplinks.forEach((uplink) => uplink.hurry()))
  }

  /** @param {Uplink[]} uplinks */
  #show(uplinks) {
    const waiting = uplinks.reduce((sum, uplink) => sum + uplink.waiting, 0)
    const blocked = uplinks.find((uplink) => uplink.blocked)?.blocked
    const isDone = uplinks.every((uplink) => uplink.isDrained) && !blocked
    this.#most = Math.max(this.#most, waiting)
    if (this.#most > 0 && !("quietly" in this.dataset)) this.hidden = false
    this.dataset.state = isDone ? "done" : "sending"
    const bar = piece(this, "progress", HTMLProgressElement)
    bar.value = isDone ? 1 : 1 - waiting / Math.max(1, this.#most)
    bar.hidden = isDone
    piece(this, "line").textContent = lineFor(isDone, blocked ? BLOCKED[blocked] : null)
  }
}

// A reload would call off the way on that somebody has just taken.
let isLeaving = false
addEventListener("beforeunload", () => {
  isLeaving = true
})

/**
 * @param {boolean} isDone
 * @param {string | null} trouble
 */
function lineFor(isDone, trouble) {
  if (trouble) return trouble
  return isDone
    ? translate("The rest of your earlier recording has arrived. Nothing is left on this device.")
    : translate("We are sending the rest of your earlier recording. Please keep this page open until it is done.")
}

/**
 * @param {Journal} journal
 * @param {string} interview
 */
function uplinkFor(journal, interview) {
  const traces = tracesOf(interview)
  const kept = keptFor(interview)
  return new Uplink({
    journal,
    interview,
    url: `/room/${interview}/parts`,
    endOf: (key) => traces.endOf(key),
    readmit: async (key) => {
      const isIn = await readmit(interview, key)
      if (isIn && kept.get("readmitted") === null) {
        // Now the page would say something else: that an interview is waiting here.
        kept.set("readmitted", "yes")
        if (!isLeaving) location.reload()
      }
      return isIn
    },
  })
}

customElements.define("left-over", LeftOver)
