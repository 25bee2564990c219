import { io } from "socket.io-client"
import { Journal } from "../models/journal.js"
import { Visit } from "../models/visit.js"
import { deviceClass } from "./device_class.js"
import { send } from "./http.js"
import { keptName } from "./kept.js"

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
  // The same place after a reload, so that a tab never has to take over from itself.
  const place = keptName(kept, "place")
  const connect = () =>
    io("/room", {
      transports: ["websocket"],
      auth: { interview: room.id, place },
      reconnectionDelay: 500,
      reconnectionDelayMax: 1_000,
      forceNew: true,
    })
  const earlier = Number(kept.get("recorded") ?? 0)
  const journal = await Journal.open()
  return new Visit(room, { journal, send, place, device: deviceClass(), earlier, level, connect })
}
