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
    assert.deepEqual(sent, [["POST", "/room/i1/arrivals", { place: "here", page: sent[0][2].page, takeOver: false, came: "first" }]])
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

  test("who types takes part without a microphone", async () => {
    await visit.record({ mode: "typing", camera: false })
    assert.equal(visit.recording.isRunning, false)
  })
})
