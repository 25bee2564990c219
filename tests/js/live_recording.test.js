import assert from "node:assert/strict"
import { afterEach, beforeEach, describe, test } from "node:test"
import { Journal } from "../../static/js/models/journal.js"
import { LiveRecording, Stalled } from "../../static/js/models/live_recording.js"
import { CannotRecord, RecordingTypes } from "../../static/js/models/recording_types.js"
import { Tus } from "../../static/js/models/tus.js"
import { Uplink } from "../../static/js/models/uplink.js"
import { HandClock, settled, until } from "./support/clocks.js"
import { FakeStream, recorders } from "./support/recorder.js"
import { TusServer } from "./support/tus_server.js"

const TYPES = ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/mp4"]

let server, journal, uplink, clock, Recorder, recording, broken
beforeEach(async (context) => {
  context.mock.method(console, "warn", () => undefined)
  server = await TusServer.start()
  journal = new Journal(null)
  clock = new HandClock()
  Recorder = recorders()
  uplink = new Uplink({ journal, interview: "i1", url: server.url, tus: new Tus(), clock, locks: undefined })
  broken = []
  recording = record("phone")
})
afterEach(() => {
  uplink.stop()
  return server.stop()
})

function record(device = "desktop") {
  const made = new LiveRecording({ journal, uplink, interview: "i1", device, clock, Recorder })
  made.types = new RecordingTypes({ Recorder, isWeak: false, isApple: false })
  made.addEventListener("broken", ({ detail }) => broken.push(detail))
  return made
}

const parts = () => [...server.uploads.values()]
const said = () => parts().map((part) => part.bytes.toString())
const reasons = () => parts().map((part) => part.end?.reason ?? null)

async function records(...pieces) {
  for (const piece of pieces) {
    await clock.pass(1_000)
    Recorder.last.gives(piece)
    await settled()
  }
}

describe("the live recording", () => {
  test("asks for chunks each second, in speech quality, of a type the browser has", async () => {
    await recording.start(new FakeStream("audio"))
    assert.equal(Recorder.last.timeslice, 1_000)
    assert.deepEqual(Recorder.last.options, { mimeType: "audio/webm;codecs=opus", audioBitsPerSecond: 64_000 })
    await recording.end("camera_switch")
    await recording.start(new FakeStream("audio", "video"))
    assert.equal(Recorder.last.options.mimeType, "video/webm;codecs=vp8,opus")
    assert.equal(Recorder.last.options.videoBitsPerSecond, 1_000_000)
  })

  test("a part ends with its last byte", async () => {
    await recording.start(new FakeStream("audio"))
    await records("one ", "two ")
    await recording.end("finished")
    await uplink.drained()
    assert.deepEqual(said(), ["[start]one two [end]"])
    assert.deepEqual(reasons(), ["finished"])
    assert.deepEqual(parts()[0].metadata.device, "phone")
  })

  test("knows the moment, what is recorded and what is safe", async () => {
    await recording.start(new FakeStream("audio"))
    await clock.pass(300)
    assert.equal(recording.moment.ms, 300)
    await records("one ", "two ")
    await until(() => recording.safe === 2_300)
    assert.equal(recording.elapsed, 2_300)
    const { part } = recording.moment
    await recording.end("drop")
    await clock.pass(60_000)
    assert.deepEqual(recording.moment, { part, ms: 2_300 })
    await recording.start(new FakeStream("audio"))
    assert.notEqual(recording.moment.part, part)
    assert.equal(recording.moment.ms, 0)
    assert.equal(recording.elapsed, 2_300)
  })

  test("what waits of an earlier part is not called safe", async () => {
    await recording.start(new FakeStream("audio"))
    await records("one ")
    await until(() => recording.safeInAll === 1_000)
    server.fails("PATCH", () => undefined)
    await records("two ")
    await recording.end("camera_switch")
    assert.equal(recording.safeInAll, 1_000)
    await recording.start(new FakeStream("audio", "video"))
    await records("three ")
    assert.equal(recording.safeInAll, 1_000)
  })

  test("keeps what a recorder gives after it broke, and says how it ended", async () => {
    await recording.start(new FakeStream("audio"))
    await records("one ")
    Recorder.last.breaks()
    await until(() => broken.length === 1)
    await uplink.drained()
    assert.deepEqual(said(), ["[start]one [what was left]"])
    assert.deepEqual(reasons(), ["recorder_error"])
    assert.deepEqual(broken, [{ hasStalled: false, ms: 1_000 }])
    assert.ok(recording.isWanted && !recording.isRunning)
  })

  test("ends one that falls silent, and gets what that one still held", async () => {
    await recording.start(new FakeStream("audio"))
    await records("one ")
    await clock.pass(5_000)
    assert.ok(recording.isRunning)
    await clock.pass(500)
    await until(() => broken.length === 1)
    assert.deepEqual(broken, [{ hasStalled: true, ms: 6_500 }])
    await uplink.drained()
    assert.deepEqual(said(), ["[start]one [end]"])
  })

  test("a recorder that never gives a byte leaves no part behind", async () => {
    Recorder.isMute = () => true
    const started = recording.start(new FakeStream("audio"))
    await assert.rejects(Promise.all([started, clock.pass(10_000)]), CannotRecord)
    assert.deepEqual(await journal.unfinished("i1"), [])
    assert.equal(server.requests.length, 0)
    assert.equal(recording.moment, null)
  })

  test("tries the next type within five seconds, and remembers", async () => {
    Recorder = recorders({ types: TYPES, isMute: (type) => type !== "video/mp4" })
    recording = record()
    const startedAt = clock.now()
    const started = recording.start(new FakeStream("audio", "video"))
    await until(() => Recorder.made.length === 2, clock, 500)
    assert.ok(clock.now() - startedAt <= 5_000)
    await until(() => recording.isRunning, clock, 500)
    await started
    assert.deepEqual(Recorder.tried, TYPES)
    await recording.end("camera_switch")
    await recording.start(new FakeStream("audio", "video"))
    assert.equal(Recorder.tried.at(-1), "video/mp4")
    assert.equal(Recorder.made.length, 4)
  })

  test("does not blame a type for a device that is muted", async () => {
    Recorder.isMute = () => true
    const stream = new FakeStream("audio")
    stream.getAudioTracks()[0].muted = true
    await assert.rejects(Promise.all([recording.start(stream), clock.pass(6_000)]), Stalled)
    Recorder.isMute = () => false
    await recording.start(new FakeStream("audio"))
    assert.ok(recording.isRunning)
  })

  test("nor a type that worked before, at once", async () => {
    await recording.start(new FakeStream("audio"))
    await records("one ", "two ", "three ")
    await recording.end("camera_switch")
    Recorder.isMute = () => true
    for (let time = 1; time < 3; time++) {
      await assert.rejects(Promise.all([recording.start(new FakeStream("audio")), clock.pass(6_000)]), Stalled)
    }
    const hopeless = Promise.all([recording.start(new FakeStream("audio")), clock.pass(6_000)])
    await assert.rejects(hopeless, (cause) => cause instanceof CannotRecord && !cause.isForGood)
  })

  test("a type whose recorders break before they have shown that they work is left alone", async () => {
    Recorder = recorders({ types: ["audio/webm;codecs=opus", "audio/mp4"] })
    recording = record()
    await recording.start(new FakeStream("audio"))
    Recorder.last.breaks()
    await until(() => broken.length === 1)
    await recording.start(new FakeStream("audio"))
    assert.deepEqual(Recorder.tried, ["audio/webm;codecs=opus", "audio/mp4"])
  })

  test("a recorder that refuses its type gives way to the next at once", async () => {
    Recorder = recorders({ types: ["audio/webm;codecs=opus", "audio/mp4"] })
    const start = Recorder.prototype.start
    Recorder.prototype.start = function refuse(timeslice) {
      if (this.options.mimeType.includes("webm")) throw new DOMException("no", "NotSupportedError")
      start.call(this, timeslice)
    }
    recording = record()
    await recording.start(new FakeStream("audio"))
    assert.equal(Recorder.last.options.mimeType, "audio/mp4")
  })

  test("says for how long nothing has been recorded that should be", async () => {
    await recording.start(new FakeStream("audio"))
    assert.equal(recording.idleFor, 0)
    Recorder.last.breaks()
    await until(() => broken.length === 1)
    await clock.pass(3_000)
    assert.equal(recording.idleFor, 3_000)
    await recording.end("finished")
    assert.equal(recording.idleFor, 0)
  })

  test("an end during a start wins", async () => {
    Recorder.isMute = () => true
    const started = recording.start(new FakeStream("audio"))
    await settled()
    await recording.end("drop")
    await started
    await clock.pass(20_000)
    assert.equal(Recorder.made.length, 1)
    assert.equal(recording.isWanted, false)
  })

  test("an end that was asked for is not mended", async () => {
    await recording.start(new FakeStream("audio"))
    await records("one ")
    await recording.end("drop")
    await clock.pass(60_000)
    assert.equal(Recorder.made.length, 1)
    assert.equal(recording.isRunning, false)
  })

  test("asked to start twice it records once", async () => {
    const stream = new FakeStream("audio")
    await Promise.all([recording.start(stream), recording.start(stream)])
    assert.equal(Recorder.made.length, 1)
  })
})
