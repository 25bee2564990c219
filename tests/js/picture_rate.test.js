import assert from "node:assert/strict"
import { beforeEach, describe, test } from "node:test"
import { PictureRate } from "../../static/js/models/picture_rate.js"

const SECOND = 1_000

let rate, at, waiting
beforeEach(() => {
  rate = new PictureRate()
  at = 1_000_000
  waiting = 0
})

/** Record for a while, as the rate says, over a line that takes so many bits a second. */
function goesOn(seconds, line, isThere = true) {
  for (let second = 0; second < seconds; second++) {
    const recorded = (rate.running + 64_000) / 8
    at += SECOND
    waiting = Math.max(0, waiting + recorded - (isThere ? line / 8 : 0))
    rate.note(recorded, { at, waiting, isThere })
  }
}

describe("the picture's rate", () => {
  test("is the best while the line keeps up", () => {
    goesOn(300, 5_000_000)
    assert.equal(rate.bits, 1_000_000)
    assert.equal(rate.isTooMuch, false)
  })

  test("is for the next part what the line can hold", () => {
    goesOn(60, 600_000)
    assert.equal(rate.bits, 350_000)
    assert.equal(rate.running, 1_000_000)
  })

  test("a part is broken off only when much waits", () => {
    goesOn(45, 600_000)
    assert.equal(rate.isTooMuch, false)
    goesOn(75, 600_000)
    assert.equal(rate.isTooMuch, true)
    rate.restart()
    assert.equal(rate.running, 350_000)
    goesOn(300, 600_000)
    assert.equal(rate.isTooMuch, false)
  })

  test("counts in what is really recorded, not in what might be", () => {
    for (let second = 0; second < 120; second++) {
      at += SECOND
      waiting += 30_000 - 20_000
      rate.note(30_000, { at, waiting, isThere: true })
    }
    assert.equal(rate.isTooMuch, true)
    assert.equal(rate.bits, 120_000)
  })

  test("an outage is not the picture's fault, and what it left goes away", () => {
    goesOn(60, 5_000_000)
    goesOn(30, 5_000_000, false)
    goesOn(60, 5_000_000)
    assert.equal(rate.bits, 1_000_000)
    assert.equal(rate.isTooMuch, false)
  })

  test("rises by a step for the next part once nothing has waited for a minute", () => {
    goesOn(60, 300_000)
    assert.equal(rate.bits, 120_000)
    rate.restart()
    waiting = 0
    goesOn(50, 5_000_000)
    assert.equal(rate.bits, 120_000)
    goesOn(40, 5_000_000)
    assert.equal(rate.bits, 200_000)
    goesOn(200, 5_000_000)
    assert.equal(rate.bits, 200_000)
    assert.equal(rate.running, 120_000)
  })

  test("does not go below what can be recognised", () => {
    goesOn(300, 10_000)
    assert.equal(rate.bits, 120_000)
    rate.restart()
    goesOn(300, 10_000)
    assert.equal(rate.isTooMuch, false)
  })
})
