/**
 * @import { Part, Chunk, Store } from "./journal.js"
 */

/**
 * Keeps parts and chunks for as long as the page lives.
 *
 * @implements {Store}
 */
export class MemoryStore {
  /** @type {Map<string, Part>} */
  #parts = new Map()
  /** @type {Map<string, Chunk[]>} */
  #chunks = new Map()

  /**
   * @param {Part} part
   * @param {Chunk} [chunk]
   */
  async write(part, chunk) {
    this.#parts.set(part.key, part)
    if (chunk) this.#chunks.set(part.key, [...(this.#chunks.get(part.key) ?? []), chunk])
  }

  async parts() {
    return [...this.#parts.values()]
  }

  /** @param {string} key */
  async part(key) {
    return this.#parts.get(key)
  }

  /**
   * @param {string} key
   * @param {number} from
   * @param {number} most
   */
  async chunks(key, from, most) {
    const all = this.#chunks.get(key) ?? []
    return all.filter((chunk) => chunk.offset + chunk.length > from && chunk.offset < from + most)
  }

  /** @param {Part} part */
  async trim(part) {
    if (this.#parts.has(part.key)) this.#parts.set(part.key, part)
    const left = (this.#chunks.get(part.key) ?? []).filter((chunk) => chunk.offset + chunk.length > part.offset)
    this.#chunks.set(part.key, left)
  }

  /** @param {string} key */
  async remove(key) {
    this.#parts.delete(key)
    this.#chunks.delete(key)
  }
}
