import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { CannotRecord, RecordingTypes } from "../../static/js/models/recording_types.js"

const CHROME = [
  "audio/webm;codecs=opus",
  "audio/mp4",
  "audio/mp4;codecs=opus",
  "video/webm;codecs=vp8,opus",
  "video/webm;codecs=vp9,opus",
  "video/mp4",
  "video/mp4;codecs=avc1.42E01F,mp4a.40.2",
  "video/mp4;codecs=avc3.42E01F,mp4a.40.2",
]

/** The types of a browser that has these. */
function types(supported, how = {}) {
  const Recorder = { isTypeSupported: (type) => supported.includes(type) }
  return new RecordingTypes({ Recorder, isWeak: false, isApple: false, ...how })
}

/** All of a kind, in the order in which they are tried. */
function order(some, kind) {
  const seen = []
  for (;;) {
    try {
      seen.push(some.best(kind))
    } catch (cause) {
      assert.ok(cause instanceof CannotRecord)
      return seen
    }
    some.doubt(seen.at(-1))
  }
}

function memory() {
  const kept = new Map()
  return { get: (key) => kept.get(key) ?? null, set: (key, value) => kept.set(key, value) }
}

describe("the types that a browser records in", () => {
  test("are WebM with VP9 first, and one of each kind of file", () => {
    const avc3 = "video/mp4;codecs=avc3.42E01F,mp4a.40.2"
    assert.deepEqual(order(types(CHROME), "picture"), [CHROME[4], CHROME[3], avc3])
    assert.deepEqual(order(types(CHROME), "sound"), [CHROME[0], "audio/mp4;codecs=opus"])
  })

  test("VP8 comes before VP9 on a weak device", () => {
    assert.equal(types(CHROME, { isWeak: true }).best("picture"), "video/webm;codecs=vp8,opus")
  })

  test("MP4 comes first in WebKit, and WebM when that is broken", () => {
    const safari = types([...CHROME, "audio/mp4;codecs=mp4a.40.2"], { isApple: true })
    assert.equal(safari.best("sound"), "audio/mp4;codecs=mp4a.40.2")
    assert.equal(safari.best("picture"), "video/mp4;codecs=avc3.42E01F,mp4a.40.2")
    safari.doubt(safari.best("picture"))
    assert.equal(safari.best("picture"), "video/webm;codecs=vp9,opus")
  })

  test("avc1 is used where there is no avc3", () => {
    const some = CHROME.filter((type) => !type.includes("avc3") && !type.includes("webm"))
    assert.equal(types(some).best("picture"), "video/mp4;codecs=avc1.42E01F,mp4a.40.2")
  })

  test("a browser that knows none of ours chooses itself", () => {
    assert.deepEqual(order(types([]), "picture"), [""])
  })

  test("one that never worked is broken at its first failure, and nothing left is for good", () => {
    const some = types(["video/mp4"])
    some.doubt("video/mp4")
    assert.equal(some.isWorthAnother("video/mp4"), false)
    assert.throws(() => some.best("picture"), { isForGood: true, kind: "picture" })
    some.forgive()
    assert.equal(some.best("picture"), "video/mp4")
  })

  test("but the only one for sound has a second chance", () => {
    const some = types(["audio/mp4"])
    assert.deepEqual(order(some, "sound"), ["audio/mp4", "audio/mp4"])
  })

  test("one that worked may fail twice, and nothing left is not for good", () => {
    const some = types(["audio/mp4"])
    some.prove("audio/mp4")
    some.doubt("audio/mp4")
    some.doubt("audio/mp4")
    assert.ok(some.isWorthAnother("audio/mp4"))
    some.doubt("audio/mp4")
    assert.throws(() => some.best("sound"), { isForGood: false })
    assert.equal(some.best("sound"), "audio/mp4")
  })

  test("what one page found out the next one knows", () => {
    const kept = memory()
    const before = types(CHROME)
    before.remember(kept)
    before.doubt("video/webm;codecs=vp9,opus")
    before.prove("audio/webm;codecs=opus")
    const after = types(CHROME)
    after.remember(kept)
    assert.equal(after.best("picture"), "video/webm;codecs=vp8,opus")
    assert.ok(after.isWorthAnother("audio/webm;codecs=opus"))
  })

  test("a memory of nonsense is no memory", () => {
    const kept = memory()
    kept.set("types", "{")
    const some = types(CHROME)
    some.remember(kept)
    assert.equal(some.best("sound"), "audio/webm;codecs=opus")
  })
})
