import { newName } from "./new_name.js"

/**
 * What this tab remembers over a reload. Without storage it simply forgets.
 *
 * @param {string} interview
 */
export function keptFor(interview) {
  const name = (/** @type {string} */ key) => `qualz:${interview}:${key}`
  return {
    /** @param {string} key */
    get(key) {
      try {
        return sessionStorage.getItem(name(key))
      } catch {
        return null
      }
    },
    /**
     * @param {string} key
     * @param {string | null} value
     */
    set(key, value) {
      try {
        if (value === null) sessionStorage.removeItem(name(key))
        else sessionStorage.setItem(name(key), value)
      } catch {
        // Storage that is full or forbidden costs a convenience, never the interview.
      }
    },
  }
}

/**
 * A random name that is made once and kept.
 *
 * @param {ReturnType<typeof keptFor>} kept
 * @param {string} key
 */
export function keptName(kept, key) {
  const name = kept.get(key) ?? newName()
  kept.set(key, name)
  return name
}
