import assert from "node:assert/strict"
import { describe, test } from "node:test"
import {
  barsOf,
  clockOf,
  momentIn,
  nextRate,
  Places,
  questionNextTo,
  RATES,
  skipped,
  toldGaps,
} from "../../static/js/models/playback.js"

class Device {
  kept = new Map()
  getItem(name) {
    return this.kept.get(name) ?? null
  }
  setItem(name, value) {
    this.kept.set(name, value)
  }
}

describe("speed", () => {
  test("goes from half to three times and no further", () => {
    assert.equal(RATES[0], 0.5)
    assert.equal(RATES.at(-1), 3)
    assert.equal(nextRate(1, 1), 1.25)
    assert.equal(nextRate(1, -1), 0.75)
    assert.equal(nextRate(3, 1), 3)
    assert.equal(nextRate(0.5, -1), 0.5)
  })
})

describe("skipping", () => {
  test("stays within the recording, as far as its length is known", () => {
    assert.equal(skipped(4, -10, 60), 0)
    assert.equal(skipped(55, 10, 60), 60)
    assert.equal(skipped(55, 10, NaN), 65)
  })
})

describe("questions", () => {
  const questions = [30, 0, 75.5]
  test("the next one is the first that begins later", () => {
    assert.equal(questionNextTo(questions, 0, 1), 30)
    assert.equal(questionNextTo(questions, 30, 1), 75.5)
    assert.equal(questionNextTo(questions, 80, 1), undefined)
  })
  test("back leads to the beginning of this one, and from there to the one before", () => {
    assert.equal(questionNextTo(questions, 50, -1), 30)
    assert.equal(questionNextTo(questions, 31, -1), 0)
    assert.equal(questionNextTo(questions, 1, -1), undefined)
  })
})

describe("a link to a moment", () => {
  for (const [written, seconds] of [
    ["?t=754", 754],
    ["?q=menu&t=12.5", 12.5],
    ["?t=12:34", 754],
    ["?t=1:02:03", 3723],
    ["?t=0", 0],
    ["?t=", null],
    ["?t=-4", null],
    ["?t=soon", null],
    ["?t=1e9999", null],
    ["", null],
  ]) {
    test(`${written || "none"} is ${seconds}`, () => assert.equal(momentIn(written), seconds))
  }
  test("is said as a clock says it", () => {
    assert.deepEqual([0, 754.9, 3723].map(clockOf), ["0:00", "12:34", "1:02:03"])
  })
})

describe("the waveform", () => {
  test("keeps the loudest of each stretch", () => {
    assert.deepEqual(barsOf(Uint8Array.of(0, 255, 51, 0), 2), [1, 0.2])
  })
  test("of few peaks has every bar", () => {
    assert.deepEqual(barsOf(Uint8Array.of(255, 0), 4), [1, 1, 0, 0])
  })
  test("of no peaks is flat", () => assert.deepEqual(barsOf(new Uint8Array(), 2), [0, 0]))
})

describe("gaps", () => {
  const joins = [
    { at: 10, gap: 38, label: "Clip 2" },
    { at: 12, gap: 240, label: "Clip 3" },
    { at: 60, gap: 0.2, label: "Clip 4" },
    { at: 80, gap: null, label: "Clip 5" },
    { at: 90, gap: 1.5, label: "Clip 6" },
  ]
  test("are told where they are long and there is room", () => {
    assert.deepEqual(toldGaps(joins, 100, 0.05), ["38 s", "", "", "", "1.5 s"])
  })
})

describe("places", () => {
  test("are remembered by interview", () => {
    const device = new Device()
    new Places(device).keep("a", 40.26, 100)
    new Places(device).keep("b", 50, 100)
    assert.equal(new Places(device).of("a"), 40.3)
    assert.equal(new Places(device).of("c"), null)
  })
  test("at the beginning and the end are let go", () => {
    const places = new Places(new Device())
    places.keep("a", 40, 100)
    places.keep("a", 99, 100)
    assert.equal(places.of("a"), null)
    places.keep("a", 2, 100)
    assert.equal(places.of("a"), null)
  })
  test("are not kept for ever, and noise in storage does no harm", () => {
    const device = new Device()
    const places = new Places(device)
    for (let number = 0; number < 250; number++) places.keep(`i${number}`, 40, 100)
    assert.equal(places.of("i0"), null)
    assert.equal(places.of("i249"), 40)
    device.setItem("qualz:places", "{nonsense")
    assert.equal(places.of("i249"), null)
    device.setItem("qualz:places", '{"a":1}')
    assert.equal(places.of("a"), null)
  })
  test("storage that is forbidden costs nothing but the place", () => {
    const refuse = () => {
      throw new Error("forbidden")
    }
    const places = new Places({ getItem: refuse, setItem: refuse })
    places.keep("a", 40, 100)
    assert.equal(places.of("a"), null)
  })
})
