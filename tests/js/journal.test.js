import "fake-indexeddb/auto"
import assert from "node:assert/strict"
import { beforeEach, describe, test } from "node:test"
import { IDBFactory } from "fake-indexeddb"
import { Journal } from "../../static/js/models/journal.js"
import { IndexedStore } from "../../static/js/models/indexed_store.js"
import { MemoryStore } from "../../static/js/models/memory_store.js"
import { bytes, newPart, text } from "./support/parts.js"

const originals = { write: IndexedStore.prototype.write, chunks: IndexedStore.prototype.chunks }
let factory
beforeEach(() => {
  factory = new IDBFactory()
  Object.assign(IndexedStore.prototype, originals)
})

const KINDS = {
  "in IndexedDB": () => Journal.open(factory),
  "in memory": async () => new Journal(null),
}

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`a journal ${kind}`, () => {
    test("gives back what was recorded, from any offset and at most so much", async () => {
      const journal = await open()
      await journal.begin(newPart())
      for (const words of ["one ", "two ", "three"]) await journal.add("k1", bytes(words))

      assert.equal(text((await journal.read("k1", 0, 100)).bytes), "one two three")
      assert.equal(text((await journal.read("k1", 5, 100)).bytes), "wo three")
      assert.equal(text((await journal.read("k1", 5, 5)).bytes), "wo th")
      assert.equal((await journal.read("k1", 13, 100)).bytes.byteLength, 0)
    })

    test("knows the recorder's clock at the end of the last whole chunk that it gives", async () => {
      const journal = await open()
      await journal.begin(newPart())
      await journal.add("k1", bytes("aaaa"), 1_000)
      await journal.add("k1", bytes("bbbb"), 2_010)

      assert.equal((await journal.read("k1", 0, 100)).ms, 2_010)
      assert.equal((await journal.read("k1", 2, 4)).ms, 1_000)
      assert.equal((await journal.read("k1", 5, 2)).ms, null)
      assert.equal(journal.part("k1").ms, 2_010)
    })

    test("keeps the order in which chunks were added, though hashing them takes turns", async () => {
      const journal = await open()
      await journal.begin(newPart())
      await Promise.all(["a".repeat(100_000), "b", "c".repeat(1_000)].map((words) => journal.add("k1", bytes(words))))

      const all = text((await journal.read("k1", 0, 200_000)).bytes)
      assert.match(all, /^a{100000}bc{1000}$/)
    })

    test("lets go of what the server holds, and of nothing else", async () => {
      const journal = await open()
      await journal.begin(newPart())
      for (const words of ["aaaa", "bbbb", "cccc"]) await journal.add("k1", bytes(words))

      await journal.acknowledged("k1", 6)

      assert.equal(text((await journal.read("k1", 6, 100)).bytes), "bbcccc")
      assert.equal((await journal.read("k1", 0, 3)).bytes.byteLength, 0)
      assert.equal(journal.part("k1").offset, 6)
    })

    test("an older acknowledgement that comes late changes nothing", async () => {
      const journal = await open()
      await journal.begin(newPart())
      await journal.add("k1", bytes("abcdef"))
      await journal.acknowledged("k1", 4)
      await journal.acknowledged("k1", 2)
      assert.equal(journal.part("k1").offset, 4)
    })

    test("forgets a part only when the server holds it whole and knows its end", async () => {
      const journal = await open()
      await journal.begin(newPart())
      await journal.add("k1", bytes("abc"))
      await assert.rejects(journal.remove("k1"))
      await journal.end("k1", "finished")
      await journal.note("k1", { isClosed: true })
      await assert.rejects(journal.remove("k1"))
      await journal.acknowledged("k1", 3)
      await journal.remove("k1")
      assert.deepEqual(await journal.unfinished("i1"), [])
    })

    test("a part's length is what was added before its end", async () => {
      const journal = await open()
      await journal.begin(newPart())
      await Promise.all([journal.add("k1", bytes("abc")), journal.add("k1", bytes("de")), journal.end("k1", "drop")])
      assert.equal(journal.part("k1").length, 5)
      await journal.end("k1", "finished")
      assert.equal(journal.part("k1").endReason, "drop")
    })

    test("tells an interview's parts apart from others', the oldest first", async () => {
      const journal = await open()
      await journal.begin(newPart("late", { startedAt: "2026-11-23T11:00:00.000Z" }))
      await journal.begin(newPart("early", { startedAt: "2026-11-23T10:00:00.000Z" }))
      await journal.begin(newPart("other", { interview: "i2" }))
      assert.deepEqual((await journal.unfinished("i1")).map((part) => part.key), ["early", "late"])
    })

    test("a server that holds more than is remembered here is believed", async () => {
      const journal = await open()
      await journal.begin(newPart())
      await journal.add("k1", bytes("abc"))
      await journal.end("k1", "reload")
      await journal.acknowledged("k1", 10)
      assert.equal(journal.part("k1").length, 10)
    })
  })
}

describe("a journal in IndexedDB", () => {
  test("survives the page", async () => {
    const before = await Journal.open(factory)
    await before.begin(newPart())
    await before.add("k1", bytes("said before the reload"))

    const after = await Journal.open(factory)
    const [part] = await after.unfinished("i1")
    await after.takeUp(part.key)

    assert.equal(part.length, null)
    assert.equal(text((await after.read("k1", 0, 100)).bytes), "said before the reload")
    await after.add("k1", bytes(", and after"))
    assert.equal(text((await after.read("k1", 0, 100)).bytes), "said before the reload, and after")
  })

  test("a part that another page finished meanwhile is gone", async () => {
    const [one, other] = [await Journal.open(factory), await Journal.open(factory)]
    await one.begin(newPart())
    assert.equal((await other.unfinished("i1")).length, 1)
    await one.end("k1", "finished")
    await one.remove("k1")
    assert.equal(await other.takeUp("k1"), undefined)
  })

  test("reopens a connection that the browser lost", async () => {
    const store = new IndexedStore(new SometimesLost(factory, 1))
    const journal = new Journal(store)
    await journal.begin(newPart())
    await journal.add("k1", bytes("kept"))
    assert.ok(journal.isLasting)
    assert.equal((await (await Journal.open(factory)).unfinished("i1"))[0].size, 4)
  })

  test("goes on in memory when the disk is full, says so, and loses nothing", async () => {
    const store = new FullAfter(2)
    const journal = new Journal(store)
    let doubts = 0
    journal.addEventListener("doubt", () => (doubts += 1))
    await journal.begin(newPart())
    for (const words of ["on disk, ", "in memory, ", "too"]) await journal.add("k1", bytes(words))

    assert.equal(doubts, 1)
    assert.equal(journal.isLasting, false)
    assert.equal(text((await journal.read("k1", 0, 100)).bytes), "on disk, in memory, too")
    assert.equal(text((await journal.read("k1", 12, 100)).bytes), "memory, too")
    await journal.acknowledged("k1", journal.part("k1").size)
    assert.equal((await journal.read("k1", 0, 100)).bytes.byteLength, 0)
  })

  test("is a memory journal where there is no storage", async () => {
    const journal = await Journal.open({ open: () => { throw new DOMException("private", "SecurityError") } })
    assert.equal(journal.isLasting, false)
    await journal.begin(newPart())
    await journal.add("k1", bytes("still here"))
    assert.equal(text((await journal.read("k1", 0, 100)).bytes), "still here")
  })

  test("bytes that come back short are filled up, so that what follows keeps its place", async (t) => {
    t.mock.method(console, "error", () => undefined)
    const store = new MemoryStore()
    const journal = new Journal(store)
    let damaged = 0
    journal.addEventListener("damaged", () => (damaged += 1))
    await journal.begin(newPart())
    await journal.add("k1", bytes("abcdef"))
    await journal.add("k1", bytes("ghi"))
    const [chunk] = await store.chunks("k1", 0, 1)
    chunk.data = chunk.data.slice(0, 2)

    assert.equal(text((await journal.read("k1", 0, 100)).bytes), "ab\0\0\0\0ghi")
    assert.equal(damaged, 1)
  })
})

/** Hands out connections that are dead, the first so many times. */
class SometimesLost {
  constructor(inner, times) {
    this.inner = inner
    this.times = times
  }

  open(...words) {
    const request = this.inner.open(...words)
    if (this.times-- > 0) request.addEventListener("success", () => request.result.close())
    return request
  }
}

class FullAfter extends MemoryStore {
  constructor(writes) {
    super()
    this.left = writes
  }

  async write(...what) {
    if (this.left-- <= 0) throw new DOMException("full", "QuotaExceededError")
    return super.write(...what)
  }
}

describe("a journal whose storage fails", () => {
  test("gives from memory what follows, while what is stored can't be read", async () => {
    const journal = await Journal.open(factory)
    await journal.begin(newPart())
    await journal.add("k1", bytes("sent already, "))
    await journal.acknowledged("k1", 14)
    IndexedStore.prototype.write = async () => Promise.reject(new Error("gone"))
    IndexedStore.prototype.chunks = async () => Promise.reject(new Error("gone"))
    await journal.add("k1", bytes("said since"))
    assert.equal(text((await journal.read("k1", 14, 100)).bytes), "said since")
    assert.equal(journal.isLasting, false)
  })

  test("never fills up what it may read yet, and in the end goes on behind what is lost", async () => {
    const journal = await Journal.open(factory)
    await journal.begin(newPart())
    await journal.add("k1", bytes("lost"))
    IndexedStore.prototype.write = async () => Promise.reject(new Error("gone"))
    IndexedStore.prototype.chunks = async () => Promise.reject(new Error("gone"))
    await journal.add("k1", bytes("kept"))
    for (let times = 1; times < 8; times += 1) await assert.rejects(journal.read("k1", 0, 100))
    assert.equal(text((await journal.read("k1", 0, 100)).bytes), "\0\0\0\0kept")
  })

  test("fills up what a page that died had in its memory only", async () => {
    const before = await Journal.open(factory)
    await before.begin(newPart())
    await before.add("k1", bytes("one "))
    const { write } = originals
    IndexedStore.prototype.write = async () => Promise.reject(new Error("full"))
    await before.add("k1", bytes("two "))
    IndexedStore.prototype.write = write
    await before.add("k1", bytes("three"))

    const after = await Journal.open(factory)
    await after.takeUp("k1")
    assert.equal(text((await after.read("k1", 0, 100)).bytes), "one \0\0\0\0three")
    assert.equal(text((await after.read("k1", 4, 2)).bytes), "\0\0")
  })
})
