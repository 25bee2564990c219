const AGAIN = 5_000

/**
 * Keep the screen on: a phone that locks itself stops the recording.
 *
 * @param {AbortSignal} signal ends it
 */
export function keepScreenOn(signal) {
  /** @type {WakeLockSentinel | null} */
  let lock = null
  const ask = async () => {
    const isHeld = lock !== null && !lock.released
    if (isHeld || signal.aborted || document.visibilityState !== "visible") return
    try {
      lock = (await navigator.wakeLock?.request("screen")) ?? null
    } catch {
      // A battery that is nearly empty, or a browser that wants a touch first.
      return
    }
    if (signal.aborted) lock?.release()
    lock?.addEventListener("release", () => setTimeout(ask, AGAIN), { once: true })
  }
  signal.addEventListener("abort", () => lock?.release())
  // The browser takes the lock away whenever the page is hidden, and sometimes while it is shown.
  for (const event of ["visibilitychange", "pointerdown", "keydown"]) {
    document.addEventListener(event, ask, { signal })
  }
  ask()
}
