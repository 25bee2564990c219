import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { DeviceError, Devices } from "../../static/js/models/devices.js"

/** A browser's devices; each `refusals` entry is the name of the error that a kind meets. */
class FakeMedia {
  asked = []
  stopped = []

  constructor(refusals = {}) {
    this.refusals = refusals
  }

  async getUserMedia(constraints) {
    this.asked.push(constraints)
    const kind = constraints.audio ? "audio" : "video"
    const refusal = this.refusals[kind]?.(constraints)
    if (refusal) throw Object.assign(new Error(refusal), { name: refusal })
    const track = { kind, stop: () => this.stopped.push(track), at: this.asked.length }
    return { getTracks: () => [track] }
  }

  async enumerateDevices() {
    return [
      { kind: "audioinput", deviceId: "mic" },
      { kind: "audioinput", deviceId: "" },
      { kind: "videoinput", deviceId: "cam" },
    ]
  }
}

describe("devices", () => {
  for (const [name, trouble] of Object.entries({
    NotAllowedError: "refused",
    NotFoundError: "none",
    NotReadableError: "busy",
    SomethingNewError: "unknown",
  })) {
    test(`${name} is told as “${trouble}”`, async () => {
      const devices = new Devices(new FakeMedia({ audio: () => name }), true)
      await assert.rejects(devices.openMicrophone(), (error) => error instanceof DeviceError && error.trouble === trouble)
    })
  }

  test("a browser that cannot record says so before anybody speaks", async () => {
    for (const devices of [new Devices(undefined, true), new Devices(new FakeMedia(), false)]) {
      await assert.rejects(devices.openMicrophone(), { trouble: "insecure" })
    }
  })

  test("asks for the sound alone, never for both at once", async () => {
    const media = new FakeMedia({ video: () => "NotAllowedError" })
    const devices = new Devices(media, true)
    await devices.openMicrophone()
    await assert.rejects(devices.openCamera(), { trouble: "refused" })
    assert.ok(devices.microphone)
    assert.equal(devices.camera, null)
    assert.ok(media.asked.every((constraints) => !(constraints.audio && constraints.video)))
  })

  test("a microphone that was chosen earlier and is gone gives way to another", async () => {
    const media = new FakeMedia({ audio: ({ audio }) => audio.deviceId && "OverconstrainedError" })
    const devices = new Devices(media, true)
    await devices.openMicrophone("the headset of yesterday")
    assert.ok(devices.microphone)
    assert.equal(media.asked.length, 2)
  })

  test("stops a track when it is replaced or closed, so that the light goes off", async () => {
    const media = new FakeMedia()
    const devices = new Devices(media, true)
    await devices.openMicrophone()
    const first = devices.microphone
    await devices.openMicrophone("other")
    await devices.openCamera()
    const picture = devices.camera
    devices.closeCamera()
    assert.deepEqual(media.stopped, [first, picture])
    assert.equal(devices.camera, null)
  })

  test("offers only devices that have a name to choose them by", async () => {
    const devices = new Devices(new FakeMedia(), true)
    assert.deepEqual((await devices.choices("audioinput")).map(({ deviceId }) => deviceId), ["mic"])
  })
})
