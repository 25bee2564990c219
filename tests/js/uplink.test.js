import "fake-indexeddb/auto"
import assert from "node:assert/strict"
import { afterEach, beforeEach, describe, test } from "node:test"
import { IDBFactory } from "fake-indexeddb"
import { Journal } from "../../static/js/models/journal.js"
import { Tus } from "../../static/js/models/tus.js"
import { Uplink } from "../../static/js/models/uplink.js"
import { EagerClock, settled, until } from "./support/clocks.js"
import { Locks } from "./support/locks.js"
import { bytes, newPart } from "./support/parts.js"
import { TusServer, faults } from "./support/tus_server.js"

let server, factory, locks, opened
beforeEach(async () => {
  server = await TusServer.start()
  factory = new IDBFactory()
  locks = new Locks()
  opened = []
})
afterEach(() => {
  for (const uplink of opened) uplink.stop()
  return server.stop()
})

/** A tab of the participant's browser. */
async function tab() {
  const journal = await Journal.open(factory)
  const uplink = new Uplink({ journal, interview: "i1", url: server.url, tus: new Tus(), clock: new EagerClock(), locks })
  opened.push(uplink)
  return {
    journal,
    uplink,
    async records(key, words, startedAt = "2026-11-23T10:00:00.000Z") {
      await journal.begin(newPart(key, { startedAt }))
      const upload = uplink.add(key)
      for (const word of words) {
        await journal.add(key, bytes(word))
        uplink.more(key)
      }
      return upload
    },
    async ends(key, reason) {
      await journal.end(key, reason)
      uplink.more(key)
    },
  }
}

const held = (key) => server.uploads.get(key)?.bytes.toString()

describe("the uplink", () => {
  test("brings a live part to the server and counts what waits", async () => {
    const { uplink, records, ends } = await tab()
    await records("live", ["one ", "two"])
    assert.ok(!uplink.isDrained)
    await ends("live", "finished")
    await uplink.drained()
    assert.equal(held("live"), "one two")
    assert.equal(uplink.waiting, 0)
    assert.equal(uplink.durable, 7)
  })

  test("sends where the browser refuses every lock, as inside another site's page", async () => {
    locks = { request: () => Promise.reject(new DOMException("The request was denied.", "SecurityError")) }
    const { uplink, records, ends } = await tab()
    await records("live", ["one"])
    await ends("live", "finished")
    await uplink.drained()
    assert.equal(held("live"), "one")
  })

  test("a reloaded page ends and sends the part that lost its recorder", async () => {
    const before = await tab()
    server.fails("PATCH", ...Array(1_000).fill(faults.cut))
    await before.records("old", ["said before the reload"])
    before.uplink.stop()
    server.fails = () => undefined
    await server.stop()

    server = await TusServer.start()
    server.uploads.set("old", { metadata: {}, bytes: Buffer.from("said "), end: null })
    await before.journal.note("old", { uploadUrl: `${server.url}/old` })
    const after = await tab()
    await after.uplink.open()
    await after.records("new", ["and after"], "2026-11-23T10:05:00.000Z")
    await after.ends("new", "finished")
    await after.uplink.drained()

    assert.equal(held("old"), "said before the reload")
    assert.equal(server.uploads.get("old").end.reason, "crashed")
    assert.equal(held("new"), "and after")
    assert.deepEqual(await after.journal.unfinished("i1"), [])
  })

  test("parts are created in the order in which they were recorded, whatever fails", async () => {
    const before = await tab()
    for (const [at, key] of ["first", "second", "third"].entries()) {
      await before.journal.begin(newPart(key, { startedAt: `2026-11-23T10:0${at}:00.000Z` }))
      await before.journal.add(key, bytes(key))
    }
    server.fails("POST", faults.cut, faults.cut, faults.portal(), faults.cut)
    const after = await tab()
    await after.uplink.open()
    await settled()
    await after.records("live", ["now"], "2026-11-23T10:09:00.000Z")
    await after.ends("live", "finished")
    await after.uplink.drained()
    assert.deepEqual([...server.uploads.keys()], ["first", "second", "third", "live"])
  })

  test("a part that the server will not take does not hold up the others", async () => {
    const before = await tab()
    await before.journal.begin(newPart("refused", { startedAt: "2026-11-23T09:00:00.000Z" }))
    await before.journal.add("refused", bytes("a picture where none is allowed"))
    server.fails("POST", faults.status(415))
    const after = await tab()
    await after.uplink.open()
    await settled()
    await after.records("live", ["goes on"])
    await after.ends("live", "finished")
    await after.uplink.drained()
    assert.equal(held("live"), "goes on")
    assert.equal(after.uplink.blocked, "not_taken")
    assert.equal((await after.journal.unfinished("i1")).length, 1)
  })

  test("while one tab records, another leaves its part alone, and takes it up when that tab is gone", async () => {
    const one = await tab()
    await one.records("theirs", ["still "])
    await until(() => held("theirs") === "still ")

    const other = await tab()
    await other.uplink.open()
    await settled()
    assert.equal(server.only.end, null)
    await one.journal.add("theirs", bytes("recording"))
    one.uplink.more("theirs")
    await until(() => held("theirs") === "still recording")
    assert.equal(server.only.end, null)

    one.uplink.stop()
    await other.uplink.drained()
    assert.equal(server.only.end.length, "still recording".length)
    assert.deepEqual(await other.journal.unfinished("i1"), [])
  })

  test("two tabs that find the same part send it once", async () => {
    const before = await tab()
    await before.journal.begin(newPart("old"))
    await before.journal.add("old", bytes("once"))
    const [one, other] = [await tab(), await tab()]
    await Promise.all([one.uplink.open(), other.uplink.open()])
    await Promise.all([one.uplink.drained(), other.uplink.drained()])
    assert.equal(held("old"), "once")
    assert.equal(server.count("PATCH"), 1)
  })
})
