/**
 * What a page leaves behind when it goes.
 *
 * @typedef {object} Farewell
 * @property {string} page the page that said it
 * @property {string} place the tab that the page was in
 * @property {string} at
 * @property {string | null} key the part that it was recording
 * @property {number} ms that part's clock at that moment
 *
 * How a page came to be here, as far as this browser can tell.
 * @typedef {"first" | "reload" | "reopened" | "crashed" | "return"} Came
 */

/**
 * What the pages of an interview leave behind in this browser, so that the next one knows whether
 * the one before was left, or died. Without storage every page is the first.
 *
 * @param {string} interview
 * @param {Storage | null} [storage]
 */
export function tracesOf(interview, storage = storageIfAny()) {
  const name = (/** @type {string} */ key) => `qualz:${interview}:${key}`
  const get = (/** @type {string} */ key) => {
    try {
      return JSON.parse(storage?.getItem(name(key)) ?? "null")
    } catch {
      return null
    }
  }
  const set = (/** @type {string} */ key, /** @type {unknown} */ value) => {
    try {
      storage?.setItem(name(key), JSON.stringify(value))
    } catch {
      // A full storage costs the knowledge of why a page went, and nothing else.
    }
  }
  return {
    /**
     * This page is in the room from now on.
     *
     * @param {string} page
     */
    enter(page) {
      set("page", page)
    },

    /** @param {Farewell} farewell */
    leave(farewell) {
      set("farewell", farewell)
    },

    /**
     * How the page in this tab came to be here.
     *
     * @param {string} place
     * @returns {Came}
     */
    came(place) {
      const last = get("page")
      if (last === null) return "first"
      const farewell = /** @type {Farewell | null} */ (get("farewell"))
      if (farewell === null || farewell.page !== last) return "crashed"
      return farewell.place === place ? "reload" : "reopened"
    },

    /**
     * How a part ended whose page is gone.
     *
     * @param {string} key
     * @param {string} [place] where it is looked at from
     */
    endOf(key, place) {
      const farewell = /** @type {Farewell | null} */ (get("farewell"))
      if (farewell?.key !== key) {
        // Browsers write this storage late: one that was killed left its part, and not its name.
        if (get("page") === null) set("page", "killed")
        return { reason: "crashed" }
      }
      const { at: endedAt, ms } = farewell
      return { reason: farewell.place === place ? "reload" : "closed", endedAt, ms }
    },

    /** The interview is over. */
    clear() {
      for (const key of ["page", "farewell"]) {
        try {
          storage?.removeItem(name(key))
        } catch {
          return
        }
      }
    },
  }
}

/** @returns {Storage | null} */
function storageIfAny() {
  try {
    return globalThis.localStorage ?? null
  } catch {
    return null
  }
}
