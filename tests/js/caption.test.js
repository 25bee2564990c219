import assert from "node:assert/strict"
import { beforeEach, describe, test } from "node:test"
import { Caption } from "../../static/js/models/caption.js"
import { HandClock, settled } from "./support/clocks.js"

const AWAITED = { words: "", isDraft: true, isAwaited: true }
const HEARD = { words: "it is confusing", isDraft: true, isAwaited: false }
const NOTHING = { words: "", isDraft: true, isAwaited: false }

let clock, asked, shown
beforeEach(() => {
  clock = new HandClock()
  asked = []
  shown = []
})

/** A server that answers one after the other, and the last of it for good. */
function captionOf(...answers) {
  const get = async (url) => {
    asked.push(url)
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    if (answer instanceof Error) throw answer
    return answer
  }
  const caption = new Caption({ get, clock })
  caption.addEventListener("changed", () => shown.push(caption.words))
  return caption
}

describe("what was understood of an answer", () => {
  test("is there at once where the server has it, and is asked for once", async () => {
    captionOf(HEARD).follow("/2")
    await clock.pass(60_000)
    assert.deepEqual(shown, ["it is confusing"])
    assert.deepEqual(asked, ["/2"])
  })

  test("comes later where the server still listens, over a network that fails once", async () => {
    captionOf(AWAITED, new Error("no network"), AWAITED, HEARD).follow("/2")
    await clock.pass(2_000)
    assert.deepEqual(shown, [])
    await clock.pass(6_000)
    assert.deepEqual(shown, ["it is confusing"])
    assert.equal(asked.length, 4)
  })

  test("is given up after half a minute", async () => {
    captionOf(AWAITED).follow("/2")
    await clock.pass(600_000)
    assert.deepEqual(shown, [])
    assert.equal(asked.length, 6)
  })

  for (const [what, answer] of [
    ["nothing was understood", NOTHING],
    ["the server says no", Object.assign(new Error("gone"), { status: 410 })],
  ]) {
    test(`is not asked for again where ${what}`, async () => {
      captionOf(answer).follow("/2")
      await clock.pass(60_000)
      assert.deepEqual(shown, [])
      assert.equal(asked.length, 1)
    })
  }

  test("goes with its question, also when it comes too late for it", async () => {
    const late = captionOf(AWAITED, HEARD)
    late.follow("/2")
    await settled()
    late.follow("")
    await clock.pass(60_000)
    assert.deepEqual([late.words, asked], ["", ["/2"]])

    const caption = captionOf(HEARD)
    await caption.follow("/2")
    caption.follow("/2")
    caption.follow("/4")
    assert.equal(caption.words, "")
    await settled()
    assert.deepEqual(asked, ["/2", "/2", "/4"])
    assert.deepEqual(shown, ["it is confusing", "", "it is confusing"])
  })
})
