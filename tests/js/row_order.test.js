import assert from "node:assert/strict"
import test from "node:test"

import { moved, placed } from "../../static/js/models/row_order.js"

const GUIDE = ["a", "s:1", "b", "c", "s:2", "d"]

/** @type {[string, boolean, string][]} */
const MOVES = [
  ["a", true, "a s:1 b c s:2 d"],
  ["a", false, "s:1 a b c s:2 d"],
  ["d", true, "a s:1 b c d s:2"],
  ["d", false, "a s:1 b c s:2 d"],
  ["s:2", true, "a s:2 d s:1 b c"],
  ["s:1", false, "a s:2 d s:1 b c"],
  ["s:1", true, "a s:1 b c s:2 d"],
  ["s:2", false, "a s:1 b c s:2 d"],
]

for (const [name, isUp, then] of MOVES) {
  test(`${name} goes ${isUp ? "up" : "down"}, and a section with its questions`, () => {
    assert.equal(moved(GUIDE, name, isUp).join(" "), then)
  })
}

test("a question is dropped anywhere", () => {
  assert.equal(placed(GUIDE, "d", "a").join(" "), "d a s:1 b c s:2")
  assert.equal(placed(GUIDE, "b", null).join(" "), "a s:1 c s:2 d b")
})

test("a section is dropped before a section, and never among another one's questions", () => {
  assert.equal(placed(GUIDE, "s:2", "c").join(" "), "a s:2 d s:1 b c")
  assert.equal(placed(GUIDE, "s:1", null).join(" "), "a s:2 d s:1 b c")
  assert.equal(placed(GUIDE, "s:2", "a").join(" "), "a s:2 d s:1 b c")
  assert.equal(placed(GUIDE, "s:1", "c").join(" "), GUIDE.join(" "))
})
