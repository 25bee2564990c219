import assert from "node:assert/strict"
import { beforeEach, describe, test } from "node:test"
import { showPatience } from "../../static/js/helpers/patience.js"

let place
beforeEach((context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] })
  place = { textContent: "" }
})

describe("while an answer is being thought about", () => {
  test("a quick reply is not talked into", (context) => {
    const end = showPatience(place)
    context.mock.timers.tick(900)
    end()
    context.mock.timers.tick(60_000)
    assert.equal(place.textContent, "")
  })

  test("it says that it goes on, and after long that the answer is safe", (context) => {
    showPatience(place)
    context.mock.timers.tick(1_000)
    assert.match(place.textContent, /one moment/)
    context.mock.timers.tick(7_000)
    assert.match(place.textContent, /your answer is safe/)
  })

  test("with the reply it falls silent for good", (context) => {
    const end = showPatience(place)
    context.mock.timers.tick(2_000)
    end()
    assert.equal(place.textContent, "")
    context.mock.timers.tick(60_000)
    assert.equal(place.textContent, "")
  })
})
