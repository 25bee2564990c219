/**
 * @import { Part, Chunk, Store } from "./journal.js"
 */

const NAME = "qualz-journal"
const PATIENCE = 8_000

/**
 * Keeps parts and chunks in IndexedDB. A write is on the disk when it resolves, as far as the
 * browser keeps its word (`durability: "strict"`).
 *
 * @implements {Store}
 */
export class IndexedStore {
  /** @type {Promise<IDBDatabase> | null} */
  #database = null

  /** @param {IDBFactory} factory */
  constructor(factory) {
    this.factory = factory
  }

  /**
   * @param {Part} part
   * @param {Chunk} [chunk]
   */
  write(part, chunk) {
    return this.#within("readwrite", (parts, chunks) => {
      parts.put(part)
      if (chunk) chunks.put(chunk)
    })
  }

  /** @returns {Promise<Part[]>} */
  parts() {
    return this.#within("readonly", (parts) => parts.getAll())
  }

  /**
   * @param {string} key
   * @returns {Promise<Part | undefined>}
   */
  part(key) {
    return this.#within("readonly", (parts) => parts.get(key))
  }

  /**
   * @param {string} key
   * @param {number} from
   * @param {number} most
   */
  async chunks(key, from, most) {
    /** @type {Chunk[]} */
    const found = []
    await this.#within("readonly", (_parts, chunks) => {
      found.length = 0
      each(chunks, key, (cursor) => {
        const chunk = /** @type {Chunk} */ (cursor.value)
        if (chunk.offset >= from + most) return false
        if (chunk.offset + chunk.length > from) found.push(chunk)
        return true
      })
    })
    return found
  }

  /** @param {Part} part */
  trim(part) {
    return this.#within("readwrite", (parts, chunks) => {
      parts.put(part)
      each(chunks, part.key, (cursor) => {
        const { offset, length } = /** @type {Chunk} */ (cursor.value)
        if (offset + length > part.offset) return false
        cursor.delete()
        return true
      })
    })
  }

  /** @param {string} key */
  remove(key) {
    return this.#within("readwrite", (parts, chunks) => {
      parts.delete(key)
      chunks.delete(all(key))
    })
  }

  /**
   * Run `work` in one transaction and answer what its request found. Safari loses its connection
   * to the database now and then: a first failure opens it anew and tries once more.
   *
   * @param {IDBTransactionMode} mode
   * @param {(parts: IDBObjectStore, chunks: IDBObjectStore) => IDBRequest | void} work
   * @returns {Promise<any>}
   */
  async #within(mode, work) {
    try {
      return await inTime(this.#open().then((database) => transact(database, mode, work)))
    } catch (cause) {
      if (cause instanceof Error && cause.name === "QuotaExceededError") throw cause
      this.#forget()
      return inTime(this.#open().then((database) => transact(database, mode, work)))
    }
  }

  #open() {
    if (this.#database) return this.#database
    const opened = open(this.factory)
    this.#database = opened
    opened.then(
      (database) => {
        database.onclose = () => this.#forget()
        database.onversionchange = () => this.#forget()
      },
      () => this.#forget(),
    )
    return opened
  }

  #forget() {
    this.#database?.then(
      (database) => database.close(),
      () => undefined,
    )
    this.#database = null
  }
}

/**
 * @param {IDBFactory} factory
 * @returns {Promise<IDBDatabase>}
 */
function open(factory) {
  return new Promise((resolve, reject) => {
    const request = factory.open(NAME, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore("parts", { keyPath: "key" })
      request.result.createObjectStore("chunks", { keyPath: ["part", "offset"] })
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
    request.onblocked = () => reject(new Error("The journal is being changed by another page."))
  })
}

/**
 * @param {IDBDatabase} database
 * @param {IDBTransactionMode} mode
 * @param {(parts: IDBObjectStore, chunks: IDBObjectStore) => IDBRequest | void} work
 */
function transact(database, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(["parts", "chunks"], mode, { durability: "strict" })
    const request = work(transaction.objectStore("parts"), transaction.objectStore("chunks"))
    transaction.oncomplete = () => resolve(request?.result)
    transaction.onerror = () => reject(transaction.error)
    transaction.onabort = () => reject(transaction.error)
  })
}

/**
 * WebKit's storage may never answer again after the machine has slept.
 *
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
function inTime(work) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("The browser's storage does not answer.")), PATIENCE)
    work.then(resolve, reject).finally(() => clearTimeout(late))
  })
}

/** @param {string} key */
function all(key) {
  return IDBKeyRange.bound([key, 0], [key, Infinity])
}

/**
 * Go through a part's chunks in order, for as long as `visit` says so.
 *
 * @param {IDBObjectStore} chunks
 * @param {string} key
 * @param {(cursor: IDBCursorWithValue) => boolean} visit
 */
function each(chunks, key, visit) {
  const request = chunks.openCursor(all(key))
  request.onsuccess = () => {
    if (request.result && visit(request.result)) request.result.continue()
  }
}
