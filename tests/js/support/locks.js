/** Web Locks as browsers have them, for several tabs in one process. */
export class Locks {
  #lines = new Map()

  async request(name, { signal } = {}, work) {
    const before = this.#lines.get(name) ?? Promise.resolve()
    let release
    this.#lines.set(
      name,
      before.then(
        () =>
          new Promise((resolve) => {
            release = resolve
          }),
      ),
    )
    await before
    try {
      if (signal?.aborted) throw signal.reason
      return await work()
    } finally {
      await Promise.resolve()
      release?.()
    }
  }
}
