import assert from "node:assert/strict"
import test from "node:test"

import { Selection } from "../../static/js/models/selection.js"

const PAGE = ["a", "b", "c", "d"]

test("a row is chosen and let go", () => {
  const chosen = new Selection()
  chosen.toggle("b", PAGE)
  assert.deepEqual(chosen.names, ["b"])
  chosen.toggle("b", PAGE)
  assert.ok(chosen.isEmpty)
  assert.equal(chosen.kept, null)
})

test("a range goes from the row that was chosen last, either way", () => {
  const chosen = new Selection()
  chosen.toggle("c", PAGE)
  chosen.extend("a", PAGE)
  assert.deepEqual(chosen.names.toSorted(), ["a", "b", "c"])
  chosen.extend("b", PAGE)
  assert.equal(chosen.count(9), 3)
})

test("a range without a beginning is the row itself", () => {
  const chosen = new Selection()
  chosen.extend("c", PAGE)
  assert.deepEqual(chosen.names, ["c"])
})

test("it outlives the page, and what was chosen on other pages stays", () => {
  const chosen = new Selection()
  chosen.toggle("b", PAGE)
  const next = new Selection(chosen.kept)
  next.toggle("z", ["y", "z"])
  assert.deepEqual(next.names, ["b", "z"])
})

test("all that match are all of them, until something else is asked for", () => {
  const chosen = new Selection(null, "q=menu")
  chosen.chooseAll()
  assert.equal(chosen.count(1204), 1204)
  assert.ok(new Selection(chosen.kept, "q=menu").has("whoever"))
  assert.ok(new Selection(chosen.kept, "").isEmpty)
})

test("one that is let go of all leaves the others of its page", () => {
  const chosen = new Selection()
  chosen.chooseAll()
  chosen.toggle("b", PAGE)
  assert.deepEqual(chosen.names, ["a", "c", "d"])
  assert.equal(chosen.isAll, false)
})

test("what cannot be read is nothing", () => {
  for (const kept of ["", "{", "null", "[]", '{"names": 1}']) assert.ok(new Selection(kept).isEmpty)
})
