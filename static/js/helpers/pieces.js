/**
 * The element that a template marked with `data-piece`. It is an error when the template has none.
 *
 * @template {Element} [T=HTMLElement]
 * @param {Element} inside
 * @param {string} name
 * @param {new () => T} [kind]
 * @returns {T}
 */
export function piece(inside, name, kind) {
  const found = inside.querySelector(`[data-piece="${name}"]`)
  if (!found || (kind && !(found instanceof kind))) throw new Error(`The page has no piece “${name}”.`)
  return /** @type {T} */ (found)
}

/**
 * The same where a page may do without it.
 *
 * @param {Element} inside
 * @param {string} name
 * @returns {HTMLElement | null}
 */
export function pieceIfAny(inside, name) {
  return inside.querySelector(`[data-piece="${name}"]`)
}
