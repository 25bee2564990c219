import assert from "node:assert/strict"
import { after, afterEach, before, beforeEach, describe, test } from "node:test"
import { Caretaker } from "../../static/js/models/caretaker.js"
import { Devices } from "../../static/js/models/devices.js"
import { Journal } from "../../static/js/models/journal.js"
import { LiveRecording } from "../../static/js/models/live_recording.js"
import { CannotRecord } from "../../static/js/models/recording_types.js"
import { Tus } from "../../static/js/models/tus.js"
import { Uplink } from "../../static/js/models/uplink.js"
import { HandClock, settled, until } from "./support/clocks.js"
import { FakeMedia, FakeStream, recorders } from "./support/recorder.js"
import { TusServer } from "./support/tus_server.js"

before(() => {
  globalThis.MediaStream = FakeStream
})
after(() => {
  delete globalThis.MediaStream
})

let server, clock, media, devices, uplink, Recorder, recording, caretaker, told
beforeEach(async (context) => {
  context.mock?.method(console, "warn", () => undefined)
  server = await TusServer.start()
  clock = new HandClock()
  media = new FakeMedia()
  Recorder = recorders()
})
afterEach(async () => {
  await recording?.end("finished")
  uplink?.stop()
  await server.stop()
})

/** Somebody is in the room, with a camera or without. */
async function comes({ camera = false } = {}) {
  const journal = new Journal(null)
  devices = new Devices(media, true, clock)
  uplink = new Uplink({ journal, interview: "i1", url: server.url, tus: new Tus(), clock, locks: undefined })
  recording = new LiveRecording({ journal, uplink, interview: "i1", device: "desktop", clock, Recorder })
  caretaker = new Caretaker({ devices, recording, clock })
  told = []
  for (const name of ["notice", "lost", "unrecordable"]) {
    caretaker.addEventListener(name, ({ detail }) => told.push(name === "notice" ? detail : name))
  }
  await devices.openMicrophone()
  if (camera) await devices.openCamera()
}

async function isRecorded(seconds = 3) {
  for (let second = 0; second < seconds; second++) {
    await clock.pass(1_000)
    Recorder.last.gives("more ")
    await settled()
  }
}

async function isTold(words) {
  await until(() => told.length >= words.length)
  assert.deepEqual(told, words)
}

const reasons = () => [...server.uploads.values()].map((part) => part.end?.reason ?? null)
const isRecordedBy = (number) => until(() => Recorder.made.length === number && recording.isRunning, clock, 250)
const tracks = () => Recorder.last.stream.getTracks()

describe("whoever looks after the recording", () => {
  test("starts a new part when the recorder broke, and says so once", async () => {
    await comes()
    await caretaker.start()
    await isRecorded()
    Recorder.last.breaks()
    await isRecordedBy(2)
    await isTold(["restarted"])
    assert.equal(media.opened.length, 1)
    await until(() => reasons()[0] === "recorder_error")
  })

  test("waits longer each time, and opens the microphone anew", async () => {
    await comes()
    await caretaker.start()
    await isRecorded()
    const at = []
    for (let number = 2; number < 6; number++) {
      const from = clock.now()
      Recorder.last.breaks()
      await isRecordedBy(number)
      await isRecorded()
      at.push(clock.now() - from - 3_000)
    }
    assert.ok(at[1] >= 500 && at[2] >= 2_000 && at[3] >= 5_000)
    assert.equal(media.opened.length, 4)
  })

  test("opens the microphone anew when the recorder fell silent", async () => {
    await comes()
    await caretaker.start()
    await isRecorded()
    await clock.pass(8_000)
    await isRecordedBy(2)
    assert.equal(media.opened.length, 2)
    assert.deepEqual(tracks(), [devices.microphone])
    await isTold(["restarted"])
  })

  test("goes on with another microphone when one was unplugged", async () => {
    await comes()
    await caretaker.start()
    await isRecorded()
    devices.microphone.isUnplugged()
    await isRecordedBy(2)
    await isTold(["microphone_changed"])
    assert.equal(devices.microphoneName, "audio 2")
    assert.equal(caretaker.trouble, null)
    await until(() => reasons()[0] === "device_change")
  })

  test("with a recorder that stops when it has no microphone any more", async () => {
    await comes()
    await caretaker.start()
    await isRecorded()
    devices.microphone.isUnplugged()
    Recorder.last.stop()
    await isRecordedBy(2)
    await clock.pass(5_000)
    await isTold(["microphone_changed"])
    assert.equal(server.uploads.size, 2)
  })

  test("misses the microphone when there is no other one", async () => {
    await comes()
    await caretaker.start()
    await isRecorded()
    media.refuses = () => "NotFoundError"
    devices.microphone.isUnplugged()
    await isTold(["lost"])
    assert.equal(recording.isWanted, false)
    assert.equal(caretaker.trouble, null)
  })

  test("says that the microphone is muted, after three seconds and as long as it is", async () => {
    await comes()
    await caretaker.start()
    devices.microphone.mutes()
    await isRecorded(2)
    assert.equal(caretaker.trouble, null)
    await isRecorded(1)
    assert.equal(caretaker.trouble, "muted")
    devices.microphone.mutes(false)
    assert.equal(caretaker.trouble, null)
    assert.equal(Recorder.made.length, 1)
  })

  test("a muted microphone that delivers nothing is waited for, and no type is blamed", async () => {
    Recorder = recorders({ isMute: (_type, stream) => stream.getAudioTracks()[0].muted })
    await comes()
    await caretaker.start()
    await isRecorded()
    devices.microphone.mutes()
    await until(() => !recording.isRunning, clock, 500)
    await clock.pass(60_000)
    assert.equal(caretaker.trouble, "muted")
    assert.equal(recording.isRunning, false)
    const { length } = Recorder.made
    devices.microphone.mutes(false)
    await until(() => recording.isRunning, clock, 250)
    assert.ok(Recorder.made.length <= length + 1)
    await isRecorded()
    await isTold(["restarted"])
  })

  test("who comes in with a muted microphone is let in", async () => {
    Recorder = recorders({ isMute: (_type, stream) => stream.getAudioTracks()[0].muted })
    await comes()
    devices.microphone.muted = true
    await Promise.all([caretaker.start(), clock.pass(5_000)])
    assert.equal(recording.isRunning, false)
    devices.microphone.mutes(false)
    await until(() => recording.isRunning, clock, 250)
  })

  test("goes on with the voice when the camera was unplugged", async () => {
    await comes({ camera: true })
    await caretaker.start()
    await isRecorded()
    devices.camera.isUnplugged()
    await isRecordedBy(2)
    await isTold(["camera_lost"])
    assert.deepEqual(tracks(), [devices.microphone])
    await until(() => reasons()[0] === "camera_switch")
  })

  test("leaves out a camera that gives no picture until it does", async () => {
    await comes({ camera: true })
    await caretaker.start()
    await isRecorded()
    devices.camera.mutes()
    await clock.pass(5_000)
    await isRecordedBy(2)
    assert.deepEqual(tracks(), [devices.microphone])
    await isTold(["camera_resting"])
    await isRecorded()
    devices.camera.mutes(false)
    await isRecordedBy(3)
    assert.deepEqual(tracks(), [devices.microphone, devices.camera])
    await until(() => told.length === 1)
  })

  test("a camera that is muted while sound comes is let be", async () => {
    await comes({ camera: true })
    await caretaker.start()
    devices.camera.mutes()
    await isRecorded(10)
    assert.equal(Recorder.made.length, 1)
  })

  test("gives the picture up where it costs the voice", async () => {
    Recorder = recorders()
    await comes({ camera: true })
    await caretaker.start()
    await isRecorded()
    Recorder.isMute = (type) => type.startsWith("video")
    await clock.pass(7_000)
    await until(() => recording.isRunning && Recorder.last.options.mimeType.startsWith("audio"), clock, 250)
    await isTold(["camera_lost"])
    assert.equal(devices.camera, null)
  })

  test("goes on without the picture in a browser that records none", async () => {
    Recorder = recorders({ isMute: (type) => type.startsWith("video") })
    await comes({ camera: true })
    await Promise.all([caretaker.start(), clock.pass(6_000)])
    assert.ok(recording.isRunning)
    await isTold(["picture_dropped"])
    assert.equal(devices.camera, null)
  })

  test("says so where nothing can be recorded", async () => {
    Recorder = recorders({ isMute: () => true })
    await comes({ camera: true })
    await assert.rejects(Promise.all([caretaker.start(), clock.pass(20_000)]), CannotRecord)
    assert.equal(recording.isWanted, false)
  })

  test("and where that is found out later", async () => {
    Recorder = recorders()
    await comes()
    await caretaker.start()
    Recorder.isMute = () => true
    Recorder.last.breaks()
    await until(() => told.length > 0, clock, 250)
    await isTold(["unrecordable"])
    assert.equal(recording.isWanted, false)
  })

  test("keeps trying where something was recorded before, and says that it does", async () => {
    await comes()
    await caretaker.start()
    await isRecorded()
    Recorder.isMute = () => true
    Recorder.last.breaks()
    await until(() => !recording.isRunning)
    await clock.pass(90_000)
    assert.equal(caretaker.trouble, "not_recording")
    assert.deepEqual(told, [])
    Recorder.isMute = () => false
    await until(() => recording.isRunning, clock, 250)
    await isTold(["restarted"])
    assert.equal(caretaker.trouble, null)
  })

  test("leaves an interview alone that somebody paused meanwhile", async () => {
    await comes()
    await caretaker.start()
    await isRecorded()
    Recorder.isMute = () => true
    Recorder.last.breaks()
    await until(() => !recording.isRunning)
    await clock.pass(6_000)
    await recording.end("drop")
    const { length } = Recorder.made
    await clock.pass(60_000)
    assert.equal(Recorder.made.length, length)
    assert.equal(caretaker.trouble, null)
  })

  test("leaves the devices closed of an interview that ended meanwhile", async () => {
    await comes()
    await caretaker.start()
    await isRecorded()
    const give = media.getUserMedia.bind(media)
    media.getUserMedia = async (wanted) => {
      await recording.end("finished")
      devices.close()
      return give(wanted)
    }
    devices.microphone.isUnplugged()
    await until(() => media.opened.length === 2)
    await clock.pass(20_000)
    assert.equal(media.opened[1].readyState, "ended")
    assert.deepEqual(told, [])
    assert.equal(Recorder.made.length, 1)
  })

  test("spares a line that can't hold the picture", async () => {
    await comes({ camera: true })
    await caretaker.start()
    await isRecorded()
    recording.rate.bits = 350_000
    recording.rate.isTooMuch = true
    await isRecorded(1)
    await isRecordedBy(2)
    assert.equal(Recorder.last.options.videoBitsPerSecond, 350_000)
    assert.deepEqual(told, [])
    await until(() => reasons()[0] === "slow_line")
  })
})
