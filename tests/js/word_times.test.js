import assert from "node:assert/strict"
import { test } from "node:test"
import { placesOf } from "../../static/js/models/found.js"
import { secondsAt } from "../../static/js/models/word_times.js"

test("a word is heard when it or the last one before it begins", () => {
  const times = "0:0.2 5:0.6 12:1.8"
  assert.equal(secondsAt(times, 0), 0.2)
  assert.equal(secondsAt(times, 4), 0.2)
  assert.equal(secondsAt(times, 5), 0.6)
  assert.equal(secondsAt(times, 400), 1.8)
})

test("words are found whatever their case and accents, where they stand", () => {
  assert.deepEqual(placesOf("Un café, deux CAFES", "cafe"), [
    { start: 3, end: 7 },
    { start: 14, end: 18 },
  ])
  // Written with a mark of its own, and after letters of two units.
  assert.deepEqual(placesOf("👍🏽 Cafe\u0301!", "é"), [{ start: 8, end: 10 }])
  assert.deepEqual(placesOf("aaa", "aa"), [{ start: 0, end: 2 }])
  assert.deepEqual(placesOf("anything", "  "), [])
})
