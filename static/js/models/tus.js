import { sha256 } from "../helpers/digest.js"
import { wallClock } from "../helpers/clock.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 */

const VERSION = "1.0.0"
const WITHOUT_BODY = 8_000

/** Nobody answered, or not our server did: a dead network, a captive portal, a server starting up. */
export class Unanswered extends Error {}

/** The server answered, and the answer is not the one that was hoped for. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {{ isTus: boolean, offset: number | null, isWithdrawn?: boolean, isFull?: boolean }} more
   *   `isWithdrawn`: its participant has taken the interview back; `isFull`: it has as much as it may
   */
  constructor(status, { isTus, offset, isWithdrawn = false, isFull = false }) {
    super(`The server answered ${status}.`)
    this.status = status
    this.isTus = isTus
    this.offset = offset
    this.isWithdrawn = isWithdrawn
    this.isFull = isFull
  }
}

/**
 * The words of tus 1.0 that a recording needs. https://tus.io/protocols/resumable-upload
 *
 * Each call is one request. It throws `Unanswered` or `Refusal`; an acknowledgement is only what
 * carries the headers that tus demands.
 */
export class Tus {
  /**
   * @param {object} [seams]
   * @param {typeof globalThis.fetch} [seams.fetch]
   * @param {Clock} [seams.clock]
   * @param {number} [seams.patience] milliseconds to wait for an answer
   */
  constructor({ fetch = globalThis.fetch.bind(globalThis), clock = wallClock, patience = 20_000 } = {}) {
    this.fetch = fetch
    this.clock = clock
    this.patience = patience
  }

  /**
   * @param {string} url
   * @param {Record<string, string>} metadata
   * @param {AbortSignal} signal
   */
  async create(url, metadata, signal) {
    const answer = await this.#ask("POST", url, signal, {
      "Upload-Defer-Length": "1",
      "Upload-Metadata": encoded(metadata),
    })
    const location = answer.headers.get("Location")
    if (answer.status !== 201 || !location) throw new Unanswered("The server created nothing.")
    return { url: location, number: numberOf(answer, "Part-Number") }
  }

  /**
   * How many bytes the server holds durably.
   *
   * @param {string} url
   * @param {AbortSignal} signal
   */
  async offset(url, signal) {
    const answer = await this.#ask("HEAD", url, signal)
    const offset = numberOf(answer, "Upload-Offset")
    if (offset === null) throw new Unanswered("The server named no offset.")
    return offset
  }

  /**
   * Send bytes; answers the durable offset after them, and after how many milliseconds at least
   * the server wants to hear of the part again.
   *
   * @param {string} url
   * @param {number} offset
   * @param {Uint8Array<ArrayBuffer>} body
   * @param {object} more
   * @param {number | null} more.ms the recorder's clock up to which the part is whole with them
   * @param {AbortSignal} more.signal
   */
  async append(url, offset, body, { ms, signal }) {
    const headers = {
      ...(ms !== null && { "Recorded-Until": String(ms) }),
      "Content-Type": "application/offset+octet-stream",
      "Upload-Offset": String(offset),
      "Upload-Checksum": `sha256 ${await sha256(body)}`,
    }
    const answer = await this.#ask("PATCH", url, signal, headers, body)
    const durable = numberOf(answer, "Upload-Offset")
    if (answer.status !== 204 || durable === null) throw new Unanswered("That was no acknowledgement.")
    return { durable, pace: 1000 * (Number(answer.headers.get("Upload-Pace")) || 0) }
  }

  /**
   * Say that the part's recorder has stopped.
   *
   * @param {string} url
   * @param {{ length: number, reason: string | null, endedAt: string | null, ms: number, until: number }} end
   *   `ms` is the recorder's clock at its stop, `until` at the end of its last byte
   * @param {AbortSignal} signal
   */
  async close(url, end, signal) {
    const headers = { "Content-Type": "application/json" }
    const answer = await this.#ask("PUT", `${url}/closure`, signal, headers, JSON.stringify(end))
    if (answer.status !== 204) throw new Unanswered("The part's end was not taken.")
  }

  /**
   * @param {string} method
   * @param {string} url
   * @param {AbortSignal} signal
   * @param {Record<string, string>} [headers]
   * @param {BodyInit} [body]
   */
  async #ask(method, url, signal, headers = {}, body) {
    const answer = await this.#answer(url, signal, {
      method,
      body,
      headers: { "Tus-Resumable": VERSION, ...headers },
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
    })
    const isTus = answer.headers.has("Tus-Resumable")
    if (!answer.ok) {
      const isWithdrawn = isTus && answer.headers.has("Interview-Withdrawn")
      const isFull = isTus && answer.headers.has("Upload-Quota")
      throw new Refusal(answer.status, { isTus, isWithdrawn, isFull, offset: numberOf(answer, "Upload-Offset") })
    }
    if (!isTus) throw new Unanswered("Something else answered in the server's place.")
    return answer
  }

  /**
   * Connections die without a word, so no answer is waited for longer than `patience`, and not so
   * long where no recording has to go up first.
   *
   * @param {string} url
   * @param {AbortSignal} signal
   * @param {RequestInit} request
   */
  async #answer(url, signal, request) {
    const giveUp = new AbortController()
    const stop = () => giveUp.abort()
    const answered = new AbortController()
    signal.addEventListener("abort", stop)
    const isShort = request.method !== "PATCH"
    const patience = isShort ? Math.min(this.patience, WITHOUT_BODY) : this.patience
    this.clock.sleep(patience, answered.signal).then(stop)
    try {
      return await this.fetch(url, { ...request, signal: giveUp.signal })
    } catch (cause) {
      throw new Unanswered("The server cannot be reached.", { cause })
    } finally {
      signal.removeEventListener("abort", stop)
      answered.abort()
    }
  }
}

/** @param {Record<string, string>} metadata */
function encoded(metadata) {
  const base64 = (/** @type {string} */ text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))
  return Object.entries(metadata)
    .map(([key, value]) => `${key} ${base64(value)}`)
    .join(",")
}

/**
 * @param {Response} answer
 * @param {string} header
 */
function numberOf(answer, header) {
  const text = answer.headers.get(header)
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null
}
