/**
 * A random name that nobody else has. Pages that did not come over TLS have no `randomUUID`; an
 * interview can still be typed there.
 *
 * @returns {string}
 */
export function newName() {
  if (crypto.randomUUID) return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
}
