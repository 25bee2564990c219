import assert from "node:assert/strict"
import { beforeEach, describe, test } from "node:test"
import { PartRecorder } from "../../static/js/models/part_recorder.js"
import { HandClock, settled } from "./support/clocks.js"
import { FakeStream, recorders } from "./support/recorder.js"

const TYPE = "audio/webm;codecs=opus"
const HOUR = 3_600_000

/** As in a page that has been hidden for a while: timers come once a minute. */
class SlowedClock extends HandClock {
  sleep(ms, signal) {
    return super.sleep(Math.max(ms, 60_000), signal)
  }
}

let Recorder, clock, stream, recorder, got, broken
beforeEach(() => {
  Recorder = recorders()
  clock = new HandClock()
  stream = new FakeStream("audio", "video")
})

function record() {
  recorder = new PartRecorder(stream, { type: TYPE, bits: 600_000, Recorder, clock })
  got = []
  broken = 0
  recorder.addEventListener("data", ({ detail }) => got.push(detail))
  recorder.addEventListener("broken", () => (broken += 1))
  return recorder.start()
}

async function gives(text) {
  Recorder.last.gives(text)
  await settled()
}

describe("one run of the recorder", () => {
  test("has started when bytes have come, on a clock that began when it was told to", async () => {
    const started = record()
    Recorder.last.held = ""
    let isRunning = false
    started.then(() => (isRunning = true))
    await clock.pass(1_000)
    assert.equal(isRunning, false)
    await gives("one")
    assert.equal(isRunning, true)
    assert.equal(got[0].ms, 1_000)
  })

  test("fails when none come within five seconds", async () => {
    Recorder.isMute = () => true
    const failed = assert.rejects(record())
    await clock.pass(3_500)
    assert.equal(recorder.hasStalled, false)
    await clock.pass(1_000)
    assert.equal(recorder.hasStalled, true)
    await failed
    assert.equal(broken, 0)
  })

  test("asks before it judges, and is content with an answer", async () => {
    await record()
    for (let times = 0; times < 5; times++) {
      Recorder.last.held = "held back"
      await clock.pass(3_000)
    }
    assert.equal(broken, 0)
    assert.equal(got.length, 6)
  })

  test("is missed within eight seconds when it gives no more", async () => {
    await record()
    await clock.pass(1_900)
    Recorder.last.held = "the tail of what it heard"
    await clock.pass(5_000)
    assert.equal(broken, 0)
    await clock.pass(1_000)
    assert.equal(broken, 1)
  })

  test("and sooner when a device says that it delivers nothing", async () => {
    await record()
    stream.getVideoTracks()[0].mutes()
    await clock.pass(4_000)
    assert.equal(broken, 1)
    assert.equal(recorder.reason, "camera_switch")
    assert.equal(recorder.isWell, false)
  })

  test("a hidden page whose timers are slowed down does not miss it", async () => {
    clock = new SlowedClock()
    await record()
    for (let second = 0; second < 300; second++) {
      await clock.pass(1_000)
      if (second % 10 !== 9) await gives("more")
    }
    await clock.pass(180_000)
    assert.equal(broken, 0)
    assert.equal(Recorder.last.state, "recording")
  })

  test("nor does a machine that slept", async () => {
    await record()
    await clock.pass(2_000)
    clock.time += HOUR
    await clock.pass(1_500)
    await gives("awake again")
    await clock.pass(3_000)
    assert.equal(broken, 0)
  })

  test("its clock stands still while the machine sleeps", async () => {
    await record()
    await clock.pass(1_000)
    await gives("before")
    clock.time += HOUR
    await gives("after")
    assert.deepEqual(got.map(({ ms }) => ms), [0, 1_000, 2_000])
    await clock.pass(1_000)
    await recorder.stop()
    assert.equal(recorder.ms, 3_000)
  })

  test("what it gives only when it is stopped does not prove its type", async () => {
    await record()
    await clock.pass(7_000)
    await recorder.stop()
    assert.equal(got.length, 2)
    assert.equal(recorder.isProven, false)
  })

  test("what goes on for a while does", async () => {
    await record()
    await clock.pass(2_500)
    await gives("still here")
    assert.equal(recorder.isProven, true)
  })

  test("a chunk that can't be read leaves a hole of its length and ends the run", async (context) => {
    context.mock.method(console, "error", () => undefined)
    await record()
    const data = { size: 5, arrayBuffer: () => Promise.reject(new Error("gone")) }
    Recorder.last.dispatchEvent(Object.assign(new Event("dataavailable"), { data }))
    await gives("next")
    assert.equal(broken, 1)
    assert.deepEqual(got.slice(1).map(({ bytes }) => Buffer.from(bytes).toString()), ["\0\0\0\0\0", "next"])
  })

  test("one that never says that it has stopped is not waited for", async () => {
    await record()
    Recorder.last.stop = () => undefined
    let isWhole
    recorder.stop().then((answer) => (isWhole = answer))
    await clock.pass(5_000)
    assert.equal(isWhole, false)
  })

  test("asks for full pictures often enough for the type", async () => {
    await record()
    assert.equal(Recorder.last.options.videoBitsPerSecond, 600_000)
    assert.equal(Recorder.last.options.videoKeyFrameIntervalDuration, 2_000)
    const mp4 = new PartRecorder(stream, { type: "video/mp4", Recorder, clock })
    assert.equal(Recorder.last.options.videoKeyFrameIntervalDuration, 1_000)
    await mp4.stop()
  })
})
