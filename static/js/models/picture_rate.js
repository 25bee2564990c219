// Always the same size, so that parts can be joined without encoding them anew.
const STEPS = [1_000_000, 600_000, 350_000, 200_000, 120_000]
const SOUND = 64_000
const WINDOW = 20_000
const CALM = 60_000
// Seconds of recording that wait.
const BACKLOG = 5
const GREAT_BACKLOG = 15
const TOO_GREAT = 30

/**
 * How many bits a second the picture may have, judged by whether the line keeps up. What was
 * recorded and waits is on this device only; the picture is worth less than that.
 */
export class PictureRate {
  /** For the next part. */
  bits = STEPS[0]
  /** Of the part that is being recorded. */
  running = STEPS[0]
  /** Whether a new part with fewer bits is worth its join. */
  isTooMuch = false
  /** @type {{ at: number, waiting: number } | null} */
  #since = null
  #recorded = 0
  #calmSince = 0

  /**
   * So many bytes were recorded just now.
   *
   * @param {number} bytes
   * @param {object} line
   * @param {number} line.at
   * @param {number} line.waiting bytes that the server does not hold
   * @param {boolean} line.isThere while there is no line at all the picture is not to blame
   */
  note(bytes, { at, waiting, isThere }) {
    if (!isThere) {
      this.#since = null
      return
    }
    if (!this.#since) return this.#begin(at, waiting)
    this.#recorded += bytes
    const window = at - this.#since.at
    if (window < WINDOW) return
    this.#judge(window, waiting - this.#since.waiting, waiting)
    this.#begin(at, waiting)
  }

  /** A new part: what was measured of the one before says nothing of this one. */
  restart() {
    this.#since = null
    this.#calmSince = 0
    this.running = this.bits
    this.isTooMuch = false
  }

  /**
   * @param {number} at
   * @param {number} waiting
   */
  #begin(at, waiting) {
    this.#since = { at, waiting }
    this.#recorded = 0
    this.#calmSince ||= at
  }

  /**
   * @param {number} window milliseconds
   * @param {number} growth bytes by which the backlog grew
   * @param {number} waiting bytes
   */
  #judge(window, growth, waiting) {
    const at = (this.#since?.at ?? 0) + window
    // A quiet picture takes far fewer bits than it may.
    const recorded = Math.max(1, this.#recorded)
    const backlog = waiting / ((recorded / window) * 1_000)
    const share = growth / recorded
    const isBehind = (backlog > BACKLOG && share > 0.1) || (backlog > GREAT_BACKLOG && share > -0.1)
    if (isBehind) this.#lower(((recorded - growth) * 8_000) / window)
    else if (backlog < BACKLOG / 2 && at - this.#calmSince >= CALM) this.#raise()
    if (isBehind || backlog >= BACKLOG / 2) this.#calmSince = at
    this.isTooMuch = isBehind && backlog > TOO_GREAT && this.bits < this.running
  }

  /** @param {number} held bits a second that the line took */
  #lower(held) {
    const fitting = STEPS.find((step) => step < this.running && step + SOUND <= 0.8 * held)
    this.bits = Math.min(this.bits, fitting ?? STEPS[STEPS.length - 1])
  }

  /** One step, for the next part only: a better picture is not worth a join. */
  #raise() {
    const at = STEPS.indexOf(this.running)
    this.bits = STEPS[Math.max(0, at - 1)]
  }
}
