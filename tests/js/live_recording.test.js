import assert from "node:assert/strict"
import { afterEach, beforeEach, describe, test } from "node:test"
import { Journal } from "../../static/js/models/journal.js"
import { LiveRecording } from "../../static/js/models/live_recording.js"
import { Tus } from "../../static/js/models/tus.js"
import { Uplink } from "../../static/js/models/uplink.js"
import { HandClock, settled, until } from "./support/clocks.js"
import { FakeStream, recorders } from "./support/recorder.js"
import { TusServer } from "./support/tus_server.js"

let server, journal, uplink, clock, Recorder, recording
beforeEach(async () => {
  server = await TusServer.start()
  journal = new Journal(null)
  clock = new HandClock()
  Recorder = recorders()
  uplink = new Uplink({ journal, interview: "i1", url: server.url, tus: new Tus(), clock, locks: undefined })
  recording = new LiveRecording({ journal, uplink, interview: "i1", device: "phone", clock, Recorder })
})
afterEach(() => {
  uplink.stop()
  return server.stop()
})

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
    assert.deepEqual(said(), ["one two [the end]"])
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
    await recording.start(new FakeStream("audio", "video"))
    await records("three ")
    assert.equal(recording.safeInAll, 1_000)
  })

  test("a recorder that breaks is followed by a new part", async () => {
    await recording.start(new FakeStream("audio"))
    await records("one ")
    Recorder.last.breaks()
    await until(() => Recorder.made.length === 2, clock)
    await records("two ")
    await recording.end("finished")
    await uplink.drained()
    assert.deepEqual(said(), ["one [what was left]", "two [the end]"])
    assert.deepEqual(reasons(), ["recorder_error", "finished"])
  })

  test("so is one that falls silent without a word", async () => {
    await recording.start(new FakeStream("audio"))
    await records("one ")
    await clock.pass(7_000)
    assert.equal(Recorder.made.length, 1)
    await until(() => Recorder.made.length === 2, clock, 1_000)
    await until(() => reasons()[0] === "recorder_error")
  })

  test("a microphone that is unplugged ends the part and is missed", async () => {
    const stream = new FakeStream("audio", "video")
    let lost = 0
    recording.addEventListener("lost", () => (lost += 1))
    await recording.start(stream)
    await records("one ")
    stream.getAudioTracks()[0].isUnplugged()
    await until(() => lost === 1)
    assert.equal(recording.isRunning, false)
    await uplink.drained()
    assert.deepEqual(reasons(), ["device_change"])
    assert.equal(Recorder.made.length, 1)
  })

  test("a camera that is unplugged is told apart", async () => {
    const stream = new FakeStream("audio", "video")
    let lost = 0
    recording.addEventListener("camera-lost", () => (lost += 1))
    await recording.start(stream)
    stream.getVideoTracks()[0].isUnplugged()
    assert.equal(lost, 1)
    assert.ok(recording.isRunning)
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
