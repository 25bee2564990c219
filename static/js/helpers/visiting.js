import { io } from "socket.io-client"
import { Journal } from "../models/journal.js"
import { Visit } from "../models/visit.js"
import { deviceClass } from "./device_class.js"
import { knock, send } from "./http.js"
import { keptName } from "./kept.js"
import { tracesOf } from "./traces.js"

/**
 * @import { keptFor } from "./kept.js"
 * @import { Room } from "../models/visit.js"
 */

/**
 * A visit to the room with everything that a browser brings to it.
 *
 * @param {Room} room
 * @param {ReturnType<typeof keptFor>} kept
 * @param {() => number} level how loud the participant is at the moment
 */
export async function visitTo(room, kept, level) {
  const place = await ownPlace(kept)
  const connect = () =>
    io("/room", {
      transports: ["websocket"],
      auth: { interview: room.id, place },
      reconnectionDelay: 500,
      reconnectionDelayMax: 1_000,
      forceNew: true,
    })
  const earlier = { recorded: Number(kept.get("recorded") ?? 0), safe: Number(kept.get("safe") ?? 0) }
  const journal = await Journal.open()
  journal.returnKey = room.returnKey
  // Else a browser that runs out of room may empty the journal. Some of them ask the participant.
  navigator.storage?.persist?.().catch(() => false)
  const traces = tracesOf(room.id)
  const device = deviceClass()
  return new Visit(room, { journal, send, place, device, earlier, level, traces, connect, knock })
}

/**
 * This tab's name as a place: the same after a reload, so that a tab never has to take over from
 * itself, and another one in a duplicated tab, which gets a copy of all that the first one kept.
 *
 * @param {ReturnType<typeof keptFor>} kept
 */
async function ownPlace(kept) {
  const place = keptName(kept, "place")
  if (await isMine(place)) return place
  kept.set("place", null)
  return keptName(kept, "place")
}

/**
 * Hold a place for as long as the page lives. False when another tab does.
 *
 * @param {string} place
 * @returns {Promise<boolean>}
 */
async function isMine(place) {
  if (!navigator.locks) return true
  return new Promise((resolve) => {
    const never = new Promise(() => {})
    const forEver = () => {
      resolve(true)
      return never
    }
    // A page that is being left lets go of its lock a moment later.
    const signal = AbortSignal.timeout(1_000)
    navigator.locks.request(`qualz-place-${place}`, { signal }, forEver).catch(() => resolve(false))
  })
}
