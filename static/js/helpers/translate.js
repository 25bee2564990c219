/** The page's language, which its numbers are written in too. */
export const language = globalThis.document?.documentElement.lang || "en"

/** @type {Record<string, string>} */
const words = JSON.parse(globalThis.document?.getElementById("page-words")?.textContent ?? "{}")
const numbers = new Intl.NumberFormat(language)

/**
 * What the page says, in its language. The English words are the key; `{name}` in them stands for a
 * value. See qualz/wording.py for where the others come from.
 *
 * @param {string} text
 * @param {Record<string, string | number>} [values]
 */
export function translate(text, values = {}) {
  return (words[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name] ?? whole
    return typeof value === "number" ? numbers.format(value) : value
  })
}
