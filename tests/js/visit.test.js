import assert from "node:assert/strict"
import { afterEach, beforeEach, describe, test } from "node:test"
import { Journal } from "../../static/js/models/journal.js"
import { tracesOf } from "../../static/js/helpers/traces.js"
import { Visit } from "../../static/js/models/visit.js"
import { EagerClock } from "./support/clocks.js"

const ROOM = {
  id: "i1",
  url: "/room/i1",
  partUrl: "/room/i1/parts",
  camera: "disabled",
  started: false,
  over: false,
  title: "Bicycles",
  language: "en",
  graceSeconds: 10,
  maxChunk: 1_000_000,
}

class Shelf {
  #kept = new Map()
  getItem(name) {
    return this.#kept.get(name) ?? null
  }
  setItem(name, value) {
    this.#kept.set(name, value)
  }
  removeItem(name) {
    this.#kept.delete(name)
  }
}

class Refused extends Error {
  constructor(status) {
    super(`status ${status}`)
    this.status = status
  }
}

let sent, answers, visit, traces
beforeEach(() => {
  traces = tracesOf("i1", new Shelf())
  sent = []
  answers = []
  visit = new Visit(ROOM, {
    journal: new Journal(null),
    place: "here",
    device: "desktop",
    earlier: { recorded: 0, safe: 0 },
    level: () => 0,
    traces,
    connect: () => ({ connected: false, on() {}, disconnect() {} }),
    clock: new EagerClock(),
    send: async (method, url, body) => {
      sent.push([method, url, body])
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      return answer ?? null
    },
  })
})
afterEach(() => visit.presence?.stop())

describe("a visit", () => {
  test("arrives under its place", async () => {
    answers = [{ moved: false }]
    assert.equal(await visit.arrive(), "here")
    assert.match(sent[0][2].page, /^[\w-]{8,}$/)
    assert.deepEqual(sent, [["POST", "/room/i1/arrivals", { place: "here", page: sent[0][2].page, takeOver: false, came: "first" }]])
  })

  test("stops recording when the interview has as much as it may", async () => {
    const ended = []
    visit.recording = Object.defineProperty(visit.recording, "isWanted", { get: () => ended.length === 0 })
    visit.recording.end = async (reason) => ended.push(reason)
    const typing = new Promise((resolve) => {
      visit.addEventListener("unrecordable", resolve, { once: true })
    })
    Object.defineProperty(visit.uplink, "blocked", { get: () => "full" })
    visit.uplink.dispatchEvent(new Event("blocked"))
    visit.uplink.dispatchEvent(new Event("blocked"))
    await typing
    assert.deepEqual(ended, ["finished"])
  })

  test("says how it came to be here, as far as this browser can tell", async () => {
    await visit.arrive()
    await visit.arrive()
    assert.equal(sent.at(-1)[2].came, "return")
    assert.equal(traces.came("here"), "crashed")
  })

  test("says goodbye when its page is left, once it was here", async () => {
    visit.depart()
    await visit.arrive()
    visit.stay()
    visit.depart()
    assert.deepEqual(sent.at(-1), ["POST", "/room/i1/departures", { place: "here", page: sent[0][2].page }])
    assert.equal(traces.came("here"), "reload")
    assert.equal(traces.came("another tab"), "reopened")
  })

  test("takes over when it is told to", async () => {
    assert.equal(await visit.arrive({ takeOver: true }), "here")
    assert.equal(sent[0][2].takeOver, true)
  })

  for (const [status, arrival] of Object.entries({ 409: "elsewhere", 410: "over", 403: "refused", 400: "refused" })) {
    test(`a ${status} on arrival means ${arrival}`, async () => {
      answers = [new Refused(Number(status))]
      assert.equal(await visit.arrive(), arrival)
      assert.equal(sent.length, 1)
    })
  }

  test("keeps knocking while the network or the server is away", async () => {
    answers = [new TypeError("Failed to fetch"), new Refused(502), new SyntaxError("a portal's page"), { moved: false }]
    assert.equal(await visit.arrive(), "here")
    assert.equal(sent.length, 4)
    assert.deepEqual(visit.clock.pauses, [2_000, 2_000, 2_000])
  })

  test("says that the interview is over until the server has heard it", async () => {
    answers = [new TypeError("Failed to fetch")]
    await visit.finish({ early: true })
    assert.deepEqual(sent.at(-1), ["PUT", "/room/i1/ending", { early: true }])
    assert.equal(sent.length, 2)
  })

  test("tells of a break, until it is over", async () => {
    answers = [new TypeError("Failed to fetch"), new TypeError("Failed to fetch"), { moved: false }]
    visit.stay()
    const rest = visit.rest()
    await visit.arrive()
    await rest
    assert.equal(visit.presence, null)
    assert.equal(sent.filter(([, url]) => url === "/room/i1/pause").length <= 2, true)
    assert.equal(sent.at(-1)[1], "/room/i1/arrivals")
  })

  test("takes everything back: the server first, then what waits here", async () => {
    const part = { key: "k", interview: "i1", mimeType: "audio/webm", camera: false, device: "desktop", startedAt: "" }
    await visit.journal.begin(part)
    await visit.journal.begin({ ...part, key: "other", interview: "i2" })
    answers = [new TypeError("Failed to fetch")]
    assert.equal(await visit.withdraw(), true)
    assert.deepEqual(sent.at(-1), ["PUT", "/room/i1/withdrawal", {}])
    assert.deepEqual([visit.journal.has("k"), visit.journal.has("other")], [false, true])
  })

  test("keeps what waits here when the server lets it take nothing back", async () => {
    const part = { key: "k", interview: "i1", mimeType: "audio/webm", camera: false, device: "desktop", startedAt: "" }
    await visit.journal.begin(part)
    answers = [new Refused(403)]
    assert.equal(await visit.withdraw(), false)
    assert.equal(visit.journal.has("k"), true)
  })

  test("learns on arrival that it was taken back elsewhere", async () => {
    answers = [Object.assign(new Refused(410), { word: "InterviewWithdrawn" })]
    assert.equal(await visit.arrive(), "withdrawn")
  })

  test("who types takes part without a microphone", async () => {
    await visit.record({ mode: "typing", camera: false })
    assert.equal(visit.recording.isRunning, false)
  })
})
