import assert from "node:assert/strict"
import { afterEach, beforeEach, describe, test } from "node:test"
import { keepScreenOn } from "../../static/js/helpers/wake_lock.js"
import { settled } from "./support/clocks.js"

class Lock extends EventTarget {
  released = false

  release() {
    this.released = true
    this.dispatchEvent(new Event("release"))
  }
}

let locks, refuses, left, page
beforeEach((context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] })
  locks = []
  refuses = false
  left = new AbortController()
  const wakeLock = {
    async request() {
      if (refuses) throw new DOMException("no", "NotAllowedError")
      locks.push(new Lock())
      return locks.at(-1)
    },
  }
  page = Object.assign(new EventTarget(), { visibilityState: "visible" })
  globalThis.document = page
  Object.defineProperty(globalThis, "navigator", { value: { wakeLock }, configurable: true })
})
afterEach(() => {
  left.abort()
  delete globalThis.document
  delete globalThis.navigator
})

async function happens(name) {
  page.dispatchEvent(new Event(name))
  await settled()
}

describe("the screen", () => {
  test("is kept on by one lock", async () => {
    keepScreenOn(left.signal)
    await settled()
    await happens("pointerdown")
    assert.equal(locks.length, 1)
  })

  test("and by another one when the page was hidden meanwhile", async () => {
    keepScreenOn(left.signal)
    await settled()
    page.visibilityState = "hidden"
    locks[0].release()
    await happens("visibilitychange")
    assert.equal(locks.length, 1)
    page.visibilityState = "visible"
    await happens("visibilitychange")
    assert.equal(locks.length, 2)
  })

  test("or when the system took the lock away from a page that is shown", async (context) => {
    keepScreenOn(left.signal)
    await settled()
    locks[0].release()
    context.mock.timers.tick(5_000)
    await settled()
    assert.equal(locks.length, 2)
  })

  test("a refusal is asked about again at the next touch", async () => {
    refuses = true
    keepScreenOn(left.signal)
    await settled()
    refuses = false
    await happens("pointerdown")
    assert.equal(locks.length, 1)
  })

  test("may go off when the room was left", async () => {
    keepScreenOn(left.signal)
    await settled()
    left.abort()
    assert.ok(locks[0].released)
    await happens("pointerdown")
    assert.equal(locks.length, 1)
  })
})
