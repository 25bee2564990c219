import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { DeviceError, Devices } from "../../static/js/models/devices.js"
import { HandClock, settled } from "./support/clocks.js"
import { FakeMedia, FakeStream } from "./support/recorder.js"

/** A browser's devices; each `refusals` entry is the name of the error that a kind meets. */
function media(refusals = {}) {
  const some = new FakeMedia()
  some.refuses = (constraints) => refusals[constraints.audio ? "audio" : "video"]?.(constraints)
  some.enumerateDevices = async () => [
    { kind: "audioinput", deviceId: "mic" },
    { kind: "audioinput", deviceId: "" },
    { kind: "videoinput", deviceId: "cam" },
  ]
  return some
}

describe("devices", () => {
  for (const [name, trouble] of Object.entries({
    NotAllowedError: "refused",
    NotFoundError: "none",
    NotReadableError: "busy",
    SomethingNewError: "unknown",
  })) {
    test(`${name} is told as “${trouble}”`, async () => {
      const devices = new Devices(media({ audio: () => name }), true)
      await assert.rejects(devices.openMicrophone(), (error) => error instanceof DeviceError && error.trouble === trouble)
    })
  }

  test("a browser that cannot record says so before anybody speaks", async () => {
    for (const devices of [new Devices(undefined, true), new Devices(media(), false)]) {
      await assert.rejects(devices.openMicrophone(), { trouble: "insecure" })
    }
  })

  test("asks for the sound alone, never for both at once", async () => {
    const some = media({ video: () => "NotAllowedError" })
    const devices = new Devices(some, true)
    await devices.openMicrophone()
    await assert.rejects(devices.openCamera(), { trouble: "refused" })
    assert.ok(devices.microphone)
    assert.equal(devices.camera, null)
    assert.ok(some.asked.every((constraints) => !(constraints.audio && constraints.video)))
  })

  test("a microphone that was chosen earlier and is gone gives way to another", async () => {
    const some = media({ audio: ({ audio }) => audio.deviceId && "OverconstrainedError" })
    const devices = new Devices(some, true)
    await devices.openMicrophone("the headset of yesterday")
    assert.ok(devices.microphone)
    assert.equal(some.asked.length, 2)
  })

  test("stops a track when it is replaced or closed, so that the light goes off", async () => {
    const devices = new Devices(media(), true)
    await devices.openMicrophone()
    const first = devices.microphone
    await devices.openMicrophone("other")
    await devices.openCamera()
    const picture = devices.camera
    devices.closeCamera()
    assert.deepEqual([first.readyState, picture.readyState], ["ended", "ended"])
    assert.equal(devices.microphone.readyState, "live")
    assert.equal(devices.camera, null)
  })

  test("offers only devices that have a name to choose them by", async () => {
    const devices = new Devices(media(), true)
    assert.deepEqual((await devices.choices("audioinput")).map(({ deviceId }) => deviceId), ["mic"])
  })

  test("the loudspeaker that was chosen is used whenever it is there", async () => {
    const some = media()
    const devices = new Devices(some, true)
    const used = []
    devices.addEventListener("loudspeaker", () => used.push(devices.loudspeaker))
    const isThere = (...ids) => {
      some.enumerateDevices = async () => ids.map((deviceId) => ({ kind: "audiooutput", deviceId }))
      some.dispatchEvent(new Event("devicechange"))
      return settled()
    }
    await devices.chooseLoudspeaker("headset")
    assert.deepEqual(used, [])
    await isThere("default", "headset")
    await isThere("default")
    await isThere("default", "headset")
    await devices.chooseLoudspeaker()
    assert.deepEqual(used, ["headset", "", "headset", ""])
    some.enumerateDevices = () => Promise.reject(new Error("forbidden"))
    await devices.chooseLoudspeaker("headset")
    assert.deepEqual([devices.loudspeaker, devices.wantedLoudspeaker], ["", "headset"])
  })

  test("a microphone that opens after everything was closed is let go of", async () => {
    const some = media()
    const devices = new Devices(some, true)
    const opening = devices.openMicrophone()
    devices.close()
    await assert.rejects(opening, DeviceError)
    assert.equal(some.opened[0].readyState, "ended")
    assert.equal(devices.microphone, null)
  })

  test("hears its microphone in mono, without echo and noise", async () => {
    const some = media()
    await new Devices(some, true).openMicrophone()
    const { audio } = some.asked[0]
    assert.deepEqual(audio, { echoCancellation: true, noiseSuppression: true, channelCount: { ideal: 1 } })
  })

  test("tells what the system does to what is open, and nothing of what was replaced", async () => {
    const devices = new Devices(media(), true)
    const told = []
    for (const name of ["microphone-ended", "microphone-unmuted", "camera-ended", "camera-unmuted"]) {
      devices.addEventListener(name, () => told.push(name))
    }
    await devices.openMicrophone()
    await devices.openCamera()
    const { microphone: first, camera } = devices
    await devices.openMicrophone("other")
    first.isUnplugged()
    camera.mutes()
    camera.mutes(false)
    camera.isUnplugged()
    devices.microphone.mutes(false)
    devices.microphone.isUnplugged()
    assert.deepEqual(told, ["camera-unmuted", "camera-ended", "microphone-unmuted", "microphone-ended"])
  })

  test("knows for how long the microphone has been muted", async () => {
    const clock = new HandClock()
    const devices = new Devices(media(), true, clock)
    await devices.openMicrophone()
    await clock.pass(5_000)
    assert.equal(devices.mutedFor, 0)
    devices.microphone.mutes()
    await clock.pass(2_000)
    assert.equal(devices.mutedFor, 2_000)
    devices.microphone.mutes(false)
    assert.equal(devices.mutedFor, 0)
  })

  test("calls a microphone by the name that people know", async () => {
    const devices = new Devices(media(), true)
    assert.equal(devices.microphoneName, "")
    await devices.openMicrophone()
    devices.microphone.label = "Default - Headset (USB)"
    assert.equal(devices.microphoneName, "Headset (USB)")
  })

  test("a camera that rests is open and not in the stream", async (context) => {
    context.after(() => delete globalThis.MediaStream)
    globalThis.MediaStream = FakeStream
    const devices = new Devices(media(), true)
    await devices.openMicrophone()
    await devices.openCamera()
    assert.equal(devices.stream.getTracks().length, 2)
    devices.isCameraResting = true
    assert.deepEqual(devices.stream.getTracks(), [devices.microphone])
    devices.closeCamera()
    assert.equal(devices.isCameraResting, false)
  })
})
