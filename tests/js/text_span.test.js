import assert from "node:assert/strict"
import { test } from "node:test"
import { spanWithin } from "../../static/js/models/text_span.js"

test("words are counted as the server counts them, without the spaces around them", () => {
  assert.deepEqual(spanWithin("Well, ", " the menu "), { start: 7, end: 15 })
  assert.deepEqual(spanWithin("", "menu"), { start: 0, end: 4 })
  // Two units of UTF-16 each, and one character each.
  assert.deepEqual(spanWithin("👍🏽 ", "ok 👍"), { start: 3, end: 7 })
  assert.equal(spanWithin("before", " \n"), null)
})
