/** How fast a recording is played, from half to three times. */
export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3]

/** Seconds into a question within which going back means the one before it. */
const JUST_BEGUN = 2

/** Seconds at the beginning and the end that are not worth coming back to. */
const EDGES = 5

/** How many interviews a device remembers the place in. */
const MOST_PLACES = 200

/** Seconds from a gap on that are told beside its mark. */
const LONG = 1

/**
 * @param {number} rate
 * @param {number} step
 */
export function nextRate(rate, step) {
  const here = RATES.findIndex((one) => one >= rate)
  return RATES[Math.min(RATES.length - 1, Math.max(0, here + step))]
}

/**
 * @param {number} at
 * @param {number} by
 * @param {number} length seconds; NaN while it is not known
 */
export function skipped(at, by, length) {
  return Math.max(0, Math.min(at + by, Number.isFinite(length) ? length : Infinity))
}

/**
 * Where the question begins that comes before or after a place, if there is one.
 *
 * @param {number[]} questions seconds
 * @param {number} at
 * @param {number} step
 */
export function questionNextTo(questions, at, step) {
  const inOrder = [...questions].sort((one, other) => one - other)
  if (step > 0) return inOrder.find((begins) => begins > at + 0.25)
  return inOrder.findLast((begins) => begins < at - JUST_BEGUN)
}

/**
 * The moment that an address leads to: `?t=754`, or as people write it, `?t=12:34`.
 *
 * @param {string} search
 */
export function momentIn(search) {
  const written = new URLSearchParams(search).get("t") ?? ""
  if (/^\d{1,7}(\.\d{1,6})?$/.test(written)) return Number(written)
  if (!/^(\d{1,4}:)?\d{1,2}:\d{2}$/.test(written)) return null
  return written.split(":").reduce((sum, digits) => sum * 60 + Number(digits), 0)
}

/** Seconds as a player's clock says them. @param {number} seconds */
export function clockOf(seconds) {
  const whole = Math.floor(Math.max(0, seconds))
  const two = (/** @type {number} */ count) => String(count).padStart(2, "0")
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`
}

/** A span of time as people say it: “38 s”, “4 min”. @param {number} seconds */
export function spanOf(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}

/**
 * The loudest of each stretch, so that many peaks fit few bars. From 0 to 1.
 *
 * @param {Uint8Array} peaks
 * @param {number} count
 */
export function barsOf(peaks, count) {
  return Array.from({ length: count }, (_, bar) => {
    const from = Math.floor((bar * peaks.length) / count)
    const to = Math.max(from + 1, Math.floor(((bar + 1) * peaks.length) / count))
    let loudest = 0
    for (let place = from; place < to; place++) loudest = Math.max(loudest, peaks[place] ?? 0)
    return loudest / 255
  })
}

/**
 * @typedef {{ at: number, gap: number | null, label: string }} Join where a part begins
 *
 * What is told beside the marks: the length of gaps that are long enough, where there is room.
 *
 * @param {Join[]} joins
 * @param {number} length seconds
 * @param {number} apart the least share of the length between two that are told
 */
export function toldGaps(joins, length, apart) {
  let last = -Infinity
  return joins.map(({ at, gap }) => {
    if (gap === null || gap < LONG || at / length - last < apart) return ""
    last = at / length
    return spanOf(gap)
  })
}

/** Where somebody was in each interview, on this device. */
export class Places {
  /** @param {Pick<Storage, "getItem" | "setItem">} storage */
  constructor(storage) {
    this.storage = storage
  }

  /** @param {string} interview */
  of(interview) {
    return this.#kept().find(([name]) => name === interview)?.[1] ?? null
  }

  /**
   * @param {string} interview
   * @param {number} at
   * @param {number} length
   */
  keep(interview, at, length) {
    if (!Number.isFinite(length)) return
    const others = this.#kept().filter(([name]) => name !== interview)
    const isWorthIt = at > EDGES && at < length - EDGES
    if (isWorthIt) others.push([interview, Math.round(at * 10) / 10])
    try {
      this.storage.setItem("qualz:places", JSON.stringify(others.slice(-MOST_PLACES)))
    } catch {
      // Full or forbidden: the place is forgotten, nothing else.
    }
  }

  /** @returns {[string, number][]} */
  #kept() {
    try {
      /** @type {[string, number][]} */
      const kept = JSON.parse(this.storage.getItem("qualz:places") ?? "[]")
      return kept.filter((one) => Array.isArray(one) && Number.isFinite(one[1]))
    } catch {
      return []
    }
  }
}
