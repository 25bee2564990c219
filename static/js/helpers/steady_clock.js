import { wallClock } from "./clock.js"

/**
 * @import { Clock } from "./clock.js"
 */

/**
 * A clock for pages that may be hidden. Browsers let the timers of a hidden page run once a minute
 * and leave those of workers alone, so whichever of the two is first ends a pause.
 *
 * @returns {Clock}
 */
export function steadyClock() {
  const worker = tickerIfAny()
  if (!worker) return wallClock
  /** @type {Map<number, () => void>} */
  const sleepers = new Map()
  let last = 0
  worker.addEventListener("message", ({ data: id }) => sleepers.get(id)?.())
  return {
    now: wallClock.now,
    async sleep(ms, signal) {
      if (signal?.aborted) return
      const id = ++last
      const up = new AbortController()
      const wake = () => up.abort()
      sleepers.set(id, wake)
      signal?.addEventListener("abort", wake)
      worker.postMessage({ id, ms })
      await wallClock.sleep(ms, up.signal)
      sleepers.delete(id)
      signal?.removeEventListener("abort", wake)
    },
  }
}

function tickerIfAny() {
  try {
    return new Worker(new URL("./ticker.js", import.meta.url))
  } catch {
    return null
  }
}
