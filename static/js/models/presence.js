import { wallClock } from "../helpers/clock.js"

/**
 * @import { Clock } from "../helpers/clock.js"
 *
 * What the recorder is doing, for the researcher's eyes.
 * @typedef {object} Report
 * @property {boolean} recording
 * @property {boolean} paused
 * @property {boolean} muted
 * @property {number} level from 0 to 1
 * @property {number} waiting bytes
 * @property {number | null} part
 * @property {number} ms that part's clock
 *
 * The part of a Socket.IO socket that is needed here.
 * @typedef {object} Line
 * @property {boolean} connected
 * @property {(event: string, heard: (...news: any[]) => void) => unknown} on
 * @property {(ms: number) => { emitWithAck(event: string, ...news: any[]): Promise<any> }} timeout
 * @property {() => unknown} disconnect
 *
 * `away` is a drop that was longer than the grace.
 * @typedef {"live" | "reconnecting" | "away"} Contact
 */

const BEAT = 2_000
// Timers come a little early or late.
const SLACK = 200
const ANSWER = 3_000
const TICK = 100
// Where all is well something is heard every two seconds, and the time of an answer.
const DOUBT_AFTER = 2_500
// A socket that says that it is lost mostly is back at once, when the server was started anew.
const LOST_FOR = 1_000
// Without a socket HTTP is asked: at once where nothing else is heard, and for good after a while.
const SILENCE = 1_500
const WITHOUT_SOCKET = 5_000
// While nothing is heard it is knocked: as often at once as a browser keeps connections, which then
// are new ones, then once at a time and ever more seldom. A server that was started anew is not to
// be knocked down by a thousand pages.
const CONNECTIONS = 6
const ROUNDS_TO_SHAKE = 2
const KNOCK_AGAIN = 250
const SELDOM = 1_500
// After so many rounds it is no drop any more but an outage.
const MANY_ROUNDS = 40
const VERY_SELDOM = 5_000

/**
 * Tells the server that the participant is here, and the page whether the server hears it.
 *
 * Beats go over the socket, and by HTTP where a proxy lets no WebSocket through.
 *
 * Events: `contact` when that changed, `moved` when another tab or device took the place, `refused`
 * when this browser may no longer be here.
 */
export class Presence extends EventTarget {
  /** @type {Contact} */
  contact = "live"
  #line
  #heardAt
  #socketLostAt
  #patience = DOUBT_AFTER
  #beatAt = 0
  #isKnocking = false
  #stopped = new AbortController()

  /**
   * @param {object} seams
   * @param {Line} seams.line
   * @param {string} seams.place
   * @param {number} seams.grace milliseconds
   * @param {() => Report} seams.report
   * @param {(news: object) => Promise<{ here: boolean }>} seams.post sends a beat by HTTP
   * @param {(times: number) => Promise<boolean>} [seams.knock] whether anybody answers, known soon
   * @param {Clock} [seams.clock]
   */
  constructor({ line, place, grace, report, post, knock = async () => true, clock = wallClock }) {
    super()
    this.place = place
    this.grace = grace
    this.report = report
    this.post = post
    this.knock = knock
    this.clock = clock
    this.#line = line
    this.#heardAt = this.#socketLostAt = clock.now()
    line.on("connect", () => this.#beatBySocket())
    line.on("disconnect", () => this.#doubtSoon())
    line.on("moved", (/** @type {{ place: string }} */ news) => this.#moveIf(news.place !== place))
  }

  get #isLive() {
    return this.contact === "live"
  }

  start() {
    this.#repeat(BEAT, () => this.beatIfDue())
    this.#repeat(TICK, () => this.#judge())
  }

  stop() {
    this.#stopped.abort()
    this.#line.disconnect()
  }

  /** The server answered something, by whichever way. */
  heard() {
    this.#heardAt = this.clock.now()
    this.#patience = DOUBT_AFTER
    this.#judge()
  }

  /**
   * Beat unless one went out just now. Browsers slow the timers of hidden pages down, so whatever
   * else happens regularly may call this too.
   */
  beatIfDue() {
    if (this.clock.now() - this.#beatAt < BEAT - SLACK) return undefined
    this.#beatAt = this.clock.now()
    if (this.#line.connected) {
      this.#socketLostAt = this.clock.now()
      return this.#beatBySocket()
    }
    if (!this.#isLive) return undefined
    const isLost = this.clock.now() - this.#socketLostAt >= WITHOUT_SOCKET
    const isSilent = this.clock.now() - this.#heardAt >= SILENCE
    return isLost || isSilent ? this.#beatByHttp() : undefined
  }

  async #beatBySocket() {
    const answer = await this.#line
      .timeout(ANSWER)
      .emitWithAck("heartbeat", this.report())
      .catch(() => null)
    this.#take(answer)
  }

  async #beatByHttp() {
    try {
      this.#take(await this.post({ place: this.place, ...this.report() }))
    } catch (cause) {
      const status = cause instanceof Error && "status" in cause ? cause.status : 0
      if (status === 401 || status === 403) this.#tell("refused")
      // It was taken back elsewhere.
      if (status === 410) this.#tell("moved")
    }
  }

  /** @param {{ here?: boolean } | null} answer */
  #take(answer) {
    if (this.#stopped.signal.aborted || typeof answer?.here !== "boolean") return
    this.heard()
    this.#moveIf(!answer.here)
  }

  /** @param {boolean} isElsewhere */
  #moveIf(isElsewhere) {
    if (isElsewhere) this.#tell("moved")
  }

  /** @param {string} event */
  #tell(event) {
    if (!this.#stopped.signal.aborted) this.dispatchEvent(new Event(event))
  }

  #doubtSoon() {
    this.#patience = Math.min(DOUBT_AFTER, this.clock.now() - this.#heardAt + LOST_FOR)
  }

  #judge() {
    const silence = this.clock.now() - this.#heardAt
    const contact = silence > this.grace ? "away" : silence > this.#patience ? "reconnecting" : "live"
    if (contact === this.contact) return
    this.contact = contact
    this.#tell("contact")
    if (!this.#isLive) this.#knockUntilHeard()
  }

  /**
   * A network that is back says nothing: it is found by asking, often and with little patience.
   * Only the answer to a beat counts, for whoever answers a knock need not be able to do more.
   */
  async #knockUntilHeard() {
    if (this.#isKnocking) return
    this.#isKnocking = true
    const { signal } = this.#stopped
    for (let round = 0; !this.#isLive && !signal.aborted; round++) {
      const isAnswered = await this.knock(round < ROUNDS_TO_SHAKE ? CONNECTIONS : 1)
      if (isAnswered) await this.#beatByHttp()
      if (this.#isLive) break
      const most = round < MANY_ROUNDS ? SELDOM : VERY_SELDOM
      await this.clock.sleep(Math.min(most, KNOCK_AGAIN * 1.3 ** round) * (0.75 + Math.random() / 2), signal)
    }
    this.#isKnocking = false
  }

  /**
   * @param {number} every
   * @param {() => unknown} work
   */
  async #repeat(every, work) {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      work()
      await this.clock.sleep(every, signal)
    }
  }
}
