/** Characters as the server counts them: those beyond the first 65,536 are one, not two. @param {string} text */
export function lengthOf(text) {
  return [...text].length
}

/**
 * From and to which character words stand in their text, without the spaces around them; null where
 * there is nothing but those.
 *
 * @param {string} before all that stands before them
 * @param {string} words
 */
export function spanWithin(before, words) {
  const plain = words.trim()
  if (!plain) return null
  const start = lengthOf(before) + lengthOf(words.slice(0, words.indexOf(plain)))
  return { start, end: start + lengthOf(plain) }
}
