// Clocks for tests: nobody waits for real.

/** Every pause is over at once; `pauses` tells how long they would have been. */
export class EagerClock {
  pauses = []
  time = 1_000_000

  now() {
    return this.time
  }

  async sleep(ms) {
    this.pauses.push(ms)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/** Time stands still until a test moves it. */
export class HandClock {
  time = 1_000_000
  #sleepers = []

  now() {
    return this.time
  }

  async sleep(ms, signal) {
    if (signal?.aborted) return
    const sleeper = { wakeAt: this.time + ms }
    const wake = () => sleeper.resolve()
    this.#sleepers.push(sleeper)
    signal?.addEventListener("abort", wake)
    await new Promise((resolve) => {
      sleeper.resolve = resolve
    })
    signal?.removeEventListener("abort", wake)
    this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
  }

  /** Let time pass, and with it everything that waits. */
  async pass(ms) {
    const end = this.time + ms
    for (;;) {
      await settled()
      const next = this.#sleepers.filter(({ wakeAt }) => wakeAt <= end).sort((one, other) => one.wakeAt - other.wakeAt)[0]
      if (!next) break
      this.time = Math.max(this.time, next.wakeAt)
      next.resolve()
      await settled()
    }
    this.time = end
    await settled()
  }
}

/** What has been set going has been done. */
export async function settled() {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/**
 * Wait for something to become true, letting a clock go on by `step` meanwhile; the test's own
 * time-out ends it if it never does.
 */
export async function until(look, clock, step = 0) {
  while (!look()) {
    await clock?.pass(step)
    await new Promise((resolve) => {
      setTimeout(resolve, 2)
    })
  }
}
