/**
 * Keep the screen on: a phone that locks itself stops the recording.
 *
 * @param {AbortSignal} signal ends it
 */
export function keepScreenOn(signal) {
  const ask = () => {
    if (document.visibilityState !== "visible" || signal.aborted) return
    navigator.wakeLock?.request("screen").then(
      (lock) => signal.addEventListener("abort", () => lock.release()),
      () => undefined,
    )
  }
  // The browser takes the lock away whenever the page is hidden.
  document.addEventListener("visibilitychange", ask, { signal })
  ask()
}
