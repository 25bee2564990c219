/**
 * The order of a guide's rows by their names, those of section headings beginning with `s:`.
 * `qualz/dashboard/rearranging.py` moves them in the same way.
 */

/** @param {string} name */
const isHeading = (name) => name.startsWith("s:")

/**
 * A row, and with a heading the questions below it.
 *
 * @param {string[]} names
 * @param {string} name
 */
export function block(names, name) {
  const at = names.indexOf(name)
  if (!isHeading(name)) return [name]
  const next = names.findIndex((one, place) => place > at && isHeading(one))
  return names.slice(at, next < 0 ? names.length : next)
}

/**
 * A question goes past its neighbour, be that a heading; a section past another section.
 *
 * @param {string[]} names
 * @param {string} name
 * @param {boolean} isUp
 */
export function moved(names, name, isUp) {
  const moving = block(names, name)
  const rest = names.filter((one) => !moving.includes(one))
  const at = names.indexOf(name)
  if (!isHeading(name)) return rest.toSpliced(isUp ? Math.max(0, at - 1) : at + 1, 0, name)
  const heads = rest.flatMap((one, place) => (isHeading(one) ? [place] : []))
  const to = isUp ? (heads.findLast((place) => place < at) ?? at) : (heads.find((place) => place > at) ?? rest.length)
  return rest.toSpliced(to, 0, ...moving)
}

/**
 * What is dragged stands before another row, or at the end; a section only before a section.
 *
 * @param {string[]} names
 * @param {string} name
 * @param {string | null} before
 */
export function placed(names, name, before) {
  const moving = block(names, name)
  if (before !== null && moving.includes(before)) return names
  const rest = names.filter((one) => !moving.includes(one))
  let to = before === null ? rest.length : rest.indexOf(before)
  if (isHeading(name)) {
    const head = rest.findLastIndex((one, place) => place <= to && isHeading(one))
    // Above the first heading there are questions that belong to no section: they stay there.
    to = head < 0 ? Math.max(0, rest.findIndex(isHeading)) : to === rest.length ? to : head
    if (!rest.some(isHeading)) to = rest.length
  }
  return rest.toSpliced(to, 0, ...moving)
}
