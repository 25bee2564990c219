import assert from "node:assert/strict"
import { afterEach, describe, test } from "node:test"
import { wallClock } from "../../static/js/helpers/clock.js"
import { steadyClock } from "../../static/js/helpers/steady_clock.js"
import { settled } from "./support/clocks.js"

/** A worker that the test moves. */
class FakeWorker extends EventTarget {
  static last
  asked = []

  constructor(url) {
    super()
    assert.match(String(url), /\/ticker\.js$/)
    FakeWorker.last = this
  }

  postMessage(message) {
    this.asked.push(message)
  }

  ticks(id) {
    this.dispatchEvent(Object.assign(new Event("message"), { data: id }))
  }
}

afterEach(() => {
  delete globalThis.Worker
})

describe("a steady clock", () => {
  test("is the wall's where there are no workers", () => {
    assert.equal(steadyClock(), wallClock)
  })

  test("ends a pause when its worker says so, while the page's own timers sleep", async () => {
    globalThis.Worker = FakeWorker
    const clock = steadyClock()
    let isOver = false
    clock.sleep(60_000).then(() => (isOver = true))
    clock.sleep(5)
    await settled()
    assert.equal(isOver, false)
    const [{ id, ms }] = FakeWorker.last.asked
    assert.equal(ms, 60_000)
    FakeWorker.last.ticks(id)
    await settled()
    assert.equal(isOver, true)
  })

  test("needs no answer from it", async () => {
    globalThis.Worker = FakeWorker
    await steadyClock().sleep(5)
  })

  test("ends a pause when it is told to", async () => {
    globalThis.Worker = FakeWorker
    const enough = new AbortController()
    const nap = steadyClock().sleep(60_000, enough.signal)
    enough.abort()
    await nap
    await steadyClock().sleep(60_000, enough.signal)
  })
})
