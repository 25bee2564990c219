/**
 * Where the wanted words stand in a text, whatever their case and accents, as units of UTF-16.
 *
 * @param {string} text
 * @param {string} wanted
 * @returns {{ start: number, end: number }[]}
 */
export function placesOf(text, wanted) {
  const { folded, at } = fold(text)
  const words = fold(wanted.trim()).folded
  /** @type {{ start: number, end: number }[]} */
  const places = []
  if (!words) return places
  for (let from = folded.indexOf(words); from >= 0; from = folded.indexOf(words, from + words.length)) {
    places.push({ start: at[from], end: at[from + words.length] })
  }
  return places
}

/**
 * The text without case and accents, and where each of its units stood.
 *
 * @param {string} text
 */
function fold(text) {
  let folded = ""
  const at = []
  let place = 0
  for (const letter of text) {
    const plain = letter.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase()
    for (let unit = 0; unit < plain.length; unit++) at.push(place)
    folded += plain
    place += letter.length
  }
  at.push(place)
  return { folded, at }
}
