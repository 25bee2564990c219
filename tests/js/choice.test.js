import assert from "node:assert/strict"
import { afterEach, test } from "node:test"

import { Choice } from "../../static/js/helpers/choice.js"

/** @param {boolean} isFull */
function storage(isFull = false) {
  /** @type {Map<string, string>} */
  const items = new Map()
  const kept = {
    getItem: (/** @type {string} */ name) => items.get(name) ?? null,
    setItem(/** @type {string} */ name, /** @type {string} */ value) {
      if (isFull) throw new DOMException("full", "QuotaExceededError")
      items.set(name, value)
    },
  }
  Object.defineProperty(globalThis, "localStorage", { value: kept, configurable: true })
  return items
}

afterEach(() => Reflect.deleteProperty(globalThis, "localStorage"))

test("what was chosen holds on the next page of this browser", () => {
  storage()
  const choice = new Choice("captions", true)
  assert.equal(choice.isOn, true)
  choice.toggle()
  assert.equal(choice.isOn, false)
  assert.equal(new Choice("captions", true).isOn, false)
  assert.equal(new Choice("other", true).isOn, true)
})

test("where the browser keeps nothing it holds on this page", () => {
  storage(true).set("captions", "on")
  const choice = new Choice("captions", false)
  choice.toggle()
  assert.equal(choice.isOn, false)
  assert.equal(new Choice("captions", false).isOn, true)
  Object.defineProperty(globalThis, "localStorage", {
    get: () => {
      throw new DOMException("forbidden", "SecurityError")
    },
    configurable: true,
  })
  const another = new Choice("captions", false)
  assert.equal(another.isOn, false)
  another.toggle()
  assert.equal(another.isOn, true)
})
