import assert from "node:assert/strict"
import { after, afterEach, before, beforeEach, describe, test } from "node:test"
import { Journal } from "../../static/js/models/journal.js"
import { LiveRecording } from "../../static/js/models/live_recording.js"
import { canChooseLoudspeaker, MixingDesk } from "../../static/js/models/mixing_desk.js"
import { RecordingTypes } from "../../static/js/models/recording_types.js"
import { Tus } from "../../static/js/models/tus.js"
import { Uplink } from "../../static/js/models/uplink.js"
import { HandClock, settled, until } from "./support/clocks.js"
import { FakeStream, recorders } from "./support/recorder.js"
import { contexts, routable } from "./support/sound.js"
import { TusServer } from "./support/tus_server.js"

before(() => {
  globalThis.MediaStream = FakeStream
})
after(() => {
  delete globalThis.MediaStream
})

let server, uplink, clock, recording, desk, Recorder, broken, isWanted, isTouched
beforeEach(async (context) => {
  context.mock.method(console, "warn", () => undefined)
  server = await TusServer.start()
  clock = new HandClock()
  isWanted = true
  isTouched = false
  broken = []
})
afterEach(async () => {
  await recording.end("finished")
  uplink.stop()
  await server.stop()
})

/** A recording with a desk, on a browser whose sound and recorders are as they are. */
function recordsWith(Context, isMute) {
  const journal = new Journal(null)
  Recorder = recorders({ isMute })
  uplink = new Uplink({ journal, interview: "i1", url: server.url, tus: new Tus(), clock, locks: undefined })
  recording = new LiveRecording({ journal, uplink, interview: "i1", device: "desktop", clock, Recorder })
  recording.types = new RecordingTypes({ Recorder, isWeak: false, isApple: false })
  recording.addEventListener("broken", ({ detail }) => broken.push(detail))
  desk = new MixingDesk({ Context, isWanted: () => isWanted, isTouched: () => isTouched, clock })
  recording.desk = desk
}

const recorded = () => Recorder.last.stream.getTracks().map((track) => track.label)
const MIXED = ["the mix", "a video device"]
const PLAIN = ["a audio device", "a video device"]

/** Lets time pass until it is recorded. */
async function starts(stream) {
  let isStarted = false
  recording.start(stream).then(() => {
    isStarted = true
  })
  await until(() => isStarted, clock, 100)
}

describe("the recording of both sides", () => {
  test("holds the microphone, the voice and the picture, with one channel of sound", async () => {
    const Context = contexts()
    recordsWith(Context)
    const stream = new FakeStream("audio", "video")
    await recording.start(stream)
    assert.deepEqual(recorded(), MIXED)
    const [out] = Context.last.outs
    assert.equal(out.channelCount, 1)
    assert.deepEqual([...Context.last.heard.to, ...Context.last.voice.to], [out, out])
    assert.equal(Context.last.heard.stream.getTracks()[0], stream.getTracks()[0])
  })

  test("releases a mix with its part, and makes another one for the next", async () => {
    const Context = contexts()
    recordsWith(Context)
    await recording.start(new FakeStream("audio", "video"))
    await recording.end("camera_switch")
    assert.equal(Context.last.outs[0].stream.getTracks()[0].readyState, "ended")
    assert.equal(Context.last.voice.to.size, 0)
    await recording.start(new FakeStream("audio", "video"))
    assert.deepEqual(recorded(), MIXED)
    assert.equal(Context.made.length, 1)
  })

  for (const [what, Context] of [
    ["there is no such thing", undefined],
    ["it stays asleep", contexts({ state: "suspended", mayWake: false })],
    ["it stays interrupted", contexts({ state: "interrupted", mayWake: false })],
    [
      "it refuses the microphone",
      class extends contexts() {
        createMediaStreamSource() {
          throw new Error("not of this rate")
        }
      },
    ],
  ]) {
    test(`the plain microphone is recorded when ${what}`, async () => {
      recordsWith(Context)
      await starts(new FakeStream("audio", "video"))
      assert.deepEqual(recorded(), PLAIN)
      assert.equal(recording.isRunning, true)
    })
  }

  test("the plain microphone is recorded when the voice is muted", async () => {
    recordsWith(contexts())
    isWanted = false
    await recording.start(new FakeStream("audio", "video"))
    assert.deepEqual(recorded(), PLAIN)
  })

  for (const [what, spoil] of [
    ["is suspended", (context) => context.becomes("suspended")],
    ["is interrupted", (context) => context.becomes("interrupted")],
    [
      "stands still and says nothing",
      (context) => {
        context.isStuck = true
      },
    ],
  ]) {
    test(`ends its part when the sound ${what}, and goes on plainly for good`, async () => {
      const Context = contexts()
      recordsWith(Context)
      const stream = new FakeStream("audio", "video")
      await recording.start(stream)
      spoil(Context.last)
      await until(() => broken.length > 0, clock, 500)
      assert.equal(recording.isRunning, false)
      assert.equal(broken.length, 1)
      assert.equal(broken[0].hasStalled, false)
      Context.last.becomes("running")
      await recording.start(stream)
      assert.deepEqual(recorded(), PLAIN)
      // Its type has done nothing wrong.
      assert.equal(new Set(Recorder.tried).size, 1)
    })
  }

  test("a recorder that gives nothing of a mix is tried with the plain microphone, of the same type", async () => {
    recordsWith(contexts(), (_type, stream) => stream.getTracks()[0].label === "the mix")
    await starts(new FakeStream("audio", "video"))
    assert.deepEqual(recorded(), PLAIN)
    assert.equal(new Set(Recorder.tried).size, 1)
    assert.equal(recording.isRunning, true)
  })

  test("goes on while the voice moves to another loudspeaker, and where that is gone", async () => {
    const Context = contexts()
    recordsWith(routable(Context, ["headset", "monitor"]))
    await desk.sound("headset")
    await recording.start(new FakeStream("audio", "video"))
    await settled()
    assert.equal(Context.last.sinkId, "headset")
    const first = desk.sound("gone")
    await Promise.all([first, desk.sound("monitor")])
    assert.equal(Context.last.sinkId, "monitor")
    await desk.sound("gone")
    assert.equal(Context.last.sinkId, "")
    assert.deepEqual([broken, recorded()], [[], MIXED])
    assert.ok(Context.last.moves.length > 0 && desk.isAwake)
  })

  test("leaves the loudspeaker alone where none was chosen", async () => {
    const Context = contexts()
    recordsWith(routable(Context, []))
    await recording.start(new FakeStream("audio", "video"))
    assert.deepEqual([Context.made.length, Context.last.moves], [1, []])
  })

  test("is not kept silent by a loudspeaker that never answers", async () => {
    const Context = contexts()
    recordsWith(routable(Context, []))
    await recording.start(new FakeStream("audio", "video"))
    Context.last.setSinkId = () => new Promise(() => {})
    desk.sound("stuck")
    Context.last.isStuck = true
    await until(() => broken.length > 0, clock, 500)
    await recording.start(new FakeStream("audio", "video"))
    assert.deepEqual(recorded(), PLAIN)
  })

  test("is made as ever where the browser chooses the loudspeaker alone", async () => {
    recordsWith(contexts())
    await desk.sound("headset")
    await recording.start(new FakeStream("audio", "video"))
    await desk.sound("monitor")
    assert.deepEqual([broken, recorded()], [[], MIXED])
    assert.deepEqual([canChooseLoudspeaker(contexts()), canChooseLoudspeaker(routable(contexts(), []))], [false, true])
    assert.equal(canChooseLoudspeaker(undefined), false)
  })

  test("is waited for where the page was touched, until the loudspeaker is open", async () => {
    isTouched = true
    const Context = contexts({ state: "suspended", mayWake: false })
    recordsWith(Context)
    const began = clock.now()
    const started = recording.start(new FakeStream("audio", "video"))
    await until(() => clock.now() - began >= 1_500, clock, 100)
    assert.equal(Recorder.last, undefined)
    Context.last.becomes("running")
    await started
    assert.deepEqual(recorded(), MIXED)
  })

  test("is waited for in vain once, on a machine without a loudspeaker", async () => {
    isTouched = true
    recordsWith(contexts({ state: "suspended", mayWake: false }))
    const began = clock.now()
    await starts(new FakeStream("audio", "video"))
    assert.deepEqual(recorded(), PLAIN)
    const [first, between] = [clock.now() - began, clock.now()]
    await recording.end("camera_switch")
    await starts(new FakeStream("audio", "video"))
    assert.ok(first >= 2_000 && clock.now() - between < 1_000, `${first}, then ${clock.now() - between}`)
  })

  test("nothing is recorded that was called off while the sound woke up", async () => {
    recordsWith(contexts({ state: "suspended", mayWake: false }))
    const started = recording.start(new FakeStream("audio"))
    await settled()
    recording.end("finished")
    await clock.pass(1_000)
    await started
    assert.equal(Recorder.made.length, 0)
  })
})
