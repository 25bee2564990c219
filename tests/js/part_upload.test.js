import assert from "node:assert/strict"
import { afterEach, beforeEach, describe, test } from "node:test"
import { wallClock } from "../../static/js/helpers/clock.js"
import { Journal } from "../../static/js/models/journal.js"
import { PartUpload } from "../../static/js/models/part_upload.js"
import { Tus } from "../../static/js/models/tus.js"
import { EagerClock, HandClock, settled, until } from "./support/clocks.js"
import { bytes, newPart } from "./support/parts.js"
import { TusServer, faults } from "./support/tus_server.js"

const WORDS = ["the first second, ", "the second one, ", "and the third"]
const ALL = WORDS.join("")

let server, journal, clock, stopped
beforeEach(async () => {
  server = await TusServer.start()
  journal = new Journal(null)
  clock = new EagerClock()
  stopped = new AbortController()
})
afterEach(() => {
  stopped.abort()
  return server.stop()
})

async function recorded(words = WORDS, more = {}) {
  await journal.begin(newPart("k1", more))
  for (const word of words) await journal.add("k1", bytes(word))
}

function upload({ patience = 5_000, ...more } = {}) {
  const tus = new Tus({ patience, clock: wallClock })
  return new PartUpload("k1", { journal, tus, url: server.url, clock, ...more })
}

async function sendsAll(made = upload()) {
  await journal.end("k1", "finished", { endedAt: "2026-11-23T10:00:03.000Z" })
  const isDone = await made.run(stopped.signal)
  assert.equal(isDone, true)
  assert.equal(server.text, ALL)
  const said = { length: ALL.length, reason: "finished", endedAt: "2026-11-23T10:00:03.000Z", ms: 0, until: 0 }
  assert.deepEqual(server.only.end, said)
  assert.equal(journal.has("k1"), false)
}

describe("a part's upload", () => {
  test("creates, sends, closes and forgets", async () => {
    await recorded()
    const made = upload()
    await sendsAll(made)
    assert.deepEqual(server.only.metadata, {
      key: "k1",
      filetype: "audio/webm;codecs=opus",
      camera: "false",
      device: "desktop",
      startedAt: "2026-11-23T10:00:00.000Z",
    })
    assert.equal(made.number, 1)
    assert.deepEqual(clock.pauses, [])
    assert.ok(server.requests.every(({ method, headers }) => method === "OPTIONS" || headers["tus-resumable"] === "1.0.0"))
  })

  test("forgets at once what its participant has taken back", async () => {
    await recorded()
    server.fails("PATCH", faults.status(410, { "Tus-Resumable": "1.0.0", "Interview-Withdrawn": "yes" }))
    assert.equal(await upload().run(stopped.signal), true)
    assert.equal(journal.has("k1"), false)
    assert.deepEqual(clock.pauses, [])
  })

  describe("of a busy server", () => {
    let made, slow, running

    beforeEach(async () => {
      slow = new HandClock()
      server.pace = 3
      await recorded([WORDS[0]])
      made = upload({ clock: slow })
      running = made.run(stopped.signal)
      await until(() => server.text === WORDS[0])
    })

    async function goesOn(word) {
      await journal.add("k1", bytes(word))
      made.more()
      await settled()
    }

    const sent = () => server.requests.filter(({ method }) => method === "PATCH").length

    test("gathers for as long as it is asked to, then sends all of it together", async () => {
      await goesOn(WORDS[1])
      await goesOn(WORDS[2])
      await slow.pass(2_900)
      assert.equal(server.text, WORDS[0])
      await slow.pass(200)
      await until(() => server.text === ALL)
      assert.equal(sent(), 2)
    })

    test("sends at once what somebody waits for", async () => {
      await goesOn(WORDS[1])
      made.flush()
      await until(() => server.text === WORDS[0] + WORDS[1])
      await goesOn(WORDS[2])
      await until(() => server.text === ALL)
    })

    test("sends the end of a part at once", async () => {
      await goesOn(WORDS[1])
      await goesOn(WORDS[2])
      await journal.end("k1", "finished", { endedAt: "2026-11-23T10:00:03.000Z" })
      made.more()
      assert.equal(await running, true)
      assert.equal(server.text, ALL)
    })

    test("does not wait for a clock that was set back", async () => {
      await goesOn(WORDS[1])
      slow.time -= 3_600_000
      made.more()
      await until(() => server.text === WORDS[0] + WORDS[1])
    })
  })

  test("sends while the part grows", async () => {
    await recorded([WORDS[0]])
    const made = upload()
    const running = made.run(stopped.signal)
    await until(() => server.text === WORDS[0])
    for (const word of WORDS.slice(1)) {
      await journal.add("k1", bytes(word))
      made.more()
    }
    await until(() => server.text === ALL)
    assert.equal(server.only.end, null)
    await journal.end("k1", "drop")
    made.more()
    assert.equal(await running, true)
    assert.equal(server.only.end.reason, "drop")
  })

  test("says that the recorder has stopped before all of it has been sent", async () => {
    await recorded()
    await sendsAll()
    const methods = server.requests.map(({ method }) => method)
    assert.ok(methods.indexOf("PUT") < methods.indexOf("PATCH"))
  })

  test("a page that comes later asks where the server stands", async () => {
    await recorded()
    const first = upload()
    const running = first.run(stopped.signal)
    await until(() => server.text === ALL)
    stopped.abort()
    await running
    stopped = new AbortController()
    const asked = server.count("HEAD")
    await sendsAll(upload())
    assert.equal(server.count("HEAD"), asked + 1)
    assert.equal(server.count("POST"), 1)
  })

  test("a part without a byte is not worth a request", async () => {
    await recorded([])
    await journal.end("k1", "recorder_error")
    assert.equal(await upload().run(stopped.signal), true)
    assert.equal(server.requests.length, 0)
    assert.equal(journal.has("k1"), false)
  })

  const TROUBLES = {
    "the answer to the creation got lost": ["POST", faults.lostAnswer],
    "an acknowledgement got lost": ["PATCH", faults.lostAnswer],
    "the answer to the closure got lost": ["PUT", faults.lostAnswer],
    "the connection was cut": ["PATCH", faults.cut, faults.cut],
    "the server restarted": ["PATCH", faults.status(502, {}), faults.status(503, {})],
    "another request holds the upload": ["PATCH", faults.status(423)],
    "the bytes were garbled": ["PATCH", faults.garbled],
    "only half of it arrived": ["PATCH", faults.half],
    "a captive portal said 200": ["PATCH", faults.portal(), faults.portal()],
    "a captive portal took the creation": ["POST", faults.portal()],
    "a captive portal took the question for the offset": ["HEAD", faults.portal()],
    "a captive portal said 404": ["PATCH", faults.portal(404)],
    "a captive portal said 403": ["PATCH", faults.portal(403)],
    "an acknowledgement without an offset": ["PATCH", faults.status(204)],
    "a 204 that is not ours": ["PATCH", faults.status(204, { "Upload-Offset": "47" })],
    "an acknowledgement of nothing": ["PATCH", faults.status(204, { "Tus-Resumable": "1.0.0", "Upload-Offset": "0" })],
  }
  for (const [name, [method, ...met]] of Object.entries(TROUBLES)) {
    test(`survives: ${name}`, async () => {
      await recorded()
      server.fails(method, ...met)
      await sendsAll()
    })
  }

  test("a mismatch tells where to go on, at once", async () => {
    await recorded()
    const other = upload()
    const running = other.run(stopped.signal)
    await until(() => server.text === ALL)
    stopped.abort()
    await running
    stopped = new AbortController()
    clock.pauses = []
    // This page's journal has missed the acknowledgements.
    const late = new Journal(null)
    await late.begin(newPart())
    for (const word of WORDS) await late.add("k1", bytes(word))
    await late.note("k1", { uploadUrl: `${server.url}/k1` })
    journal = late
    server.fails("HEAD", faults.status(200, { "Tus-Resumable": "1.0.0", "Upload-Offset": "3" }))
    await sendsAll()
    assert.deepEqual(clock.pauses, [0])
  })

  test("a request that nobody answers is given up and asked about", async () => {
    await recorded()
    server.fails("PATCH", faults.hang)
    await sendsAll(upload({ patience: 50 }))
    assert.equal(server.count("HEAD"), 2)
  })

  test("when the network is back it does not wait for a request that was sent into the void", async () => {
    await recorded()
    server.fails("PATCH", faults.hang)
    const made = upload()
    await journal.end("k1", "finished", { endedAt: "2026-11-23T10:00:03.000Z" })
    const running = made.run(stopped.signal)
    await until(() => server.count("PATCH") === 1)
    // A short drop is over within two seconds.
    clock.time += 1_800
    made.hurry()
    assert.equal(await running, true)
    assert.equal(server.text, ALL)
  })

  test("pauses grow to 30 seconds and no further", async () => {
    await recorded()
    server.fails("PATCH", ...Array(12).fill(faults.status(500)))
    await sendsAll()
    assert.equal(clock.pauses.length, 12)
    assert.ok(clock.pauses.every((pause) => pause >= 1_000 && pause <= 30_000), String(clock.pauses))
    assert.ok(Math.max(...clock.pauses) > 8_000)
  })

  test("sends smaller pieces through a proxy that takes no large ones", async () => {
    const long = "x".repeat(300_000)
    await recorded([long])
    const limited = (_request, answer, body, serve) =>
      body.length > 70_000 ? answer.writeHead(413, {}).end() : serve(body)
    server.fails("PATCH", ...Array(20).fill(limited))
    await journal.end("k1", "finished")
    assert.equal(await upload().run(stopped.signal), true)
    assert.equal(server.text, long)
  })

  const REASONS = {
    full: ["PATCH", faults.full()],
    not_taken: ["PATCH", faults.status(415)],
    gone: ["PATCH", faults.status(410), faults.status(410)],
  }
  for (const [reason, [method, ...met]] of Object.entries(REASONS)) {
    test(`keeps what cannot be sent, and says why: ${reason}`, async () => {
      await recorded()
      server.fails(method, ...met)
      await journal.end("k1", "finished")
      const made = upload()
      assert.equal(await made.run(stopped.signal), false)
      assert.equal(made.blocked, reason)
      assert.equal(made.waiting, ALL.length)
    })
  }

  test("is let in again by what the journal kept, where the browser lost its cookie", async () => {
    journal.returnKey = "kept"
    await recorded()
    server.fails("POST", faults.status(403))
    const shown = []
    const readmit = async (key) => shown.push(key) > 0
    await sendsAll(upload({ readmit }))
    assert.deepEqual(shown, ["kept"])
    assert.deepEqual(clock.pauses, [])
  })

  test("asks to be let in again once, and else says that it is not", async () => {
    journal.returnKey = "worth nothing any more"
    await recorded()
    server.fails("POST", faults.status(403), faults.status(403))
    let asked = 0
    const readmit = async () => {
      asked += 1
      return false
    }
    await sendsAll(upload({ readmit }))
    assert.equal(asked, 1)
    assert.deepEqual(clock.pauses, [30_000, 30_000])
  })

  const PAUSES = { not_admitted: faults.status(403), disk_full: faults.status(507) }
  for (const [reason, met] of Object.entries(PAUSES)) {
    test(`says ${reason}, tries again later and goes on`, async () => {
      await recorded()
      server.fails("PATCH", met, met)
      const made = upload()
      const said = []
      made.addEventListener("blocked", () => said.push(made.blocked))
      await sendsAll(made)
      assert.deepEqual(said, [reason, reason, null])
      assert.deepEqual(clock.pauses, [30_000, 30_000])
    })
  }

  test("a part that the server already holds whole is let go though it takes no more", async () => {
    await recorded()
    server.fails("PATCH", (request, answer, body, serve) => {
      const nobody = { writeHead: () => nobody, end: () => nobody }
      serve(body, nobody)
      return faults.status(410)(request, answer)
    })
    await sendsAll()
  })

  test("a server that forgot what it acknowledged is told apart from a slow one", async () => {
    await recorded()
    const running = upload().run(stopped.signal)
    await until(() => server.text === ALL && journal.part("k1").offset === ALL.length)
    stopped.abort()
    await running
    stopped = new AbortController()
    server.only.bytes = server.only.bytes.subarray(0, 3)
    const made = upload()
    assert.equal(await made.run(stopped.signal), false)
    assert.equal(made.blocked, "lost")
  })
})
