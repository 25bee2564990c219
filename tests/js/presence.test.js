import assert from "node:assert/strict"
import { afterEach, beforeEach, describe, test } from "node:test"
import { Presence } from "../../static/js/models/presence.js"
import { HandClock } from "./support/clocks.js"

const REPORT = { recording: true, paused: false, muted: false, level: 0.5, waiting: 0, part: 1, ms: 900 }

/** A socket that can be cut without a word. */
class Line {
  connected = true
  beats = []
  answer = { here: true }
  #heard = new Map()

  on(event, react) {
    this.#heard.set(event, react)
  }

  says(event, news) {
    this.#heard.get(event)(news)
  }

  timeout(ms) {
    return {
      emitWithAck: async (event, report) => {
        this.beats.push([event, report])
        if (this.answer) return this.answer
        await this.clock.sleep(ms)
        throw new Error("operation has timed out")
      },
    }
  }

  disconnect() {
    this.connected = false
  }
}

let line, clock, posts, presence, contacts, moved, knocks, isAnswered
beforeEach(() => {
  knocks = 0
  isAnswered = true
  clock = new HandClock()
  line = new Line()
  line.clock = clock
  posts = []
  contacts = []
  moved = 0
  presence = new Presence({
    line,
    clock,
    place: "here",
    grace: 10_000,
    report: () => REPORT,
    knock: async () => {
      knocks += 1
      return isAnswered
    },
    post: async (news) => {
      posts.push(news)
      if (!posts.answer) throw new Error("no network")
      return posts.answer
    },
  })
  presence.addEventListener("contact", () => contacts.push(presence.contact))
  presence.addEventListener("moved", () => (moved += 1))
  presence.start()
})
afterEach(() => presence.stop())

describe("presence", () => {
  test("beats every two seconds", async () => {
    await clock.pass(10_000)
    assert.equal(line.beats.length, 6)
    assert.deepEqual(line.beats[0], ["heartbeat", REPORT])
    assert.deepEqual(contacts, [])
  })

  test("notices a silent loss within three seconds of the last answer, and a long one after the grace", async () => {
    await clock.pass(4_000)
    line.answer = null
    await clock.pass(3_000)
    assert.deepEqual(contacts, ["reconnecting"])
    await clock.pass(6_500)
    assert.deepEqual(contacts, ["reconnecting"])
    await clock.pass(1_100)
    assert.deepEqual(contacts, ["reconnecting", "away"])
  })

  test("a socket that says that it is lost is doubted sooner, unless something else is heard", async () => {
    await clock.pass(4_000)
    line.connected = false
    line.says("disconnect", "transport close")
    await clock.pass(900)
    presence.heard()
    await clock.pass(1_500)
    assert.deepEqual(contacts, [])
    line.says("disconnect", "transport close")
    await clock.pass(1_300)
    assert.deepEqual(contacts, ["reconnecting"])
  })

  test("is back with the first answer", async () => {
    line.answer = null
    await clock.pass(20_000)
    line.answer = { here: true }
    await clock.pass(2_000)
    assert.deepEqual(contacts, ["reconnecting", "away", "live"])
  })

  test("while nothing is heard it knocks, and is back with the first beat", async () => {
    line.answer = null
    isAnswered = false
    await clock.pass(8_000)
    assert.ok(knocks >= 5, `knocked ${knocks} times`)
    assert.deepEqual(posts, [])
    isAnswered = true
    posts.answer = line.answer = { here: true }
    await clock.pass(2_000)
    assert.deepEqual(contacts, ["reconnecting", "live"])
    assert.equal(posts.length, 1)
    const before = knocks
    await clock.pass(10_000)
    assert.equal(knocks, before)
  })

  test("somebody who answers a knock and no beat is not taken for the server", async () => {
    line.answer = null
    await clock.pass(9_000)
    assert.ok(posts.length >= 5)
    assert.deepEqual(contacts, ["reconnecting"])
  })

  test("an acknowledged chunk is a sign of life too", async () => {
    line.answer = null
    for (let second = 0; second < 12; second++) {
      await clock.pass(1_000)
      presence.heard()
    }
    assert.deepEqual(contacts, [])
  })

  test("without a socket asks by HTTP before it doubts", async () => {
    line.connected = false
    posts.answer = { here: true }
    await clock.pass(20_000)
    assert.deepEqual(contacts, [])
    assert.equal(posts.length, 10)
  })

  test("beats by HTTP once there was no socket for five seconds, until there is one", async () => {
    line.connected = false
    posts.answer = { here: true }
    for (let second = 0; second < 5; second++) {
      await clock.pass(980)
      presence.heard()
    }
    assert.equal(posts.length, 0)
    await clock.pass(5_100)
    assert.equal(posts.length, 3)
    assert.deepEqual(posts[0], { place: "here", ...REPORT })
    assert.equal(presence.contact, "live")
    line.connected = true
    await clock.pass(4_000)
    assert.equal(posts.length, 3)
  })

  test("tells when another place took over, by an answer or by the server's word", async () => {
    line.says("moved", { place: "here" })
    assert.equal(moved, 0)
    line.says("moved", { place: "elsewhere" })
    assert.equal(moved, 1)
    line.answer = { here: false }
    await clock.pass(2_000)
    assert.equal(moved, 2)
  })

  test("an answer that is none is no sign of life", async () => {
    line.answer = "<html>"
    await clock.pass(4_000)
    assert.deepEqual(contacts, ["reconnecting"])
  })

  test("says nothing more once it has stopped", async () => {
    presence.stop()
    line.says("moved", { place: "elsewhere" })
    await clock.pass(30_000)
    assert.equal(moved, 0)
    assert.deepEqual(contacts, [])
  })
})
