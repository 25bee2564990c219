/**
 * What kind of thing the participant holds, as coarse as a researcher needs it.
 *
 * @returns {"phone" | "desktop"}
 */
export function deviceClass() {
  return matchMedia("(pointer: coarse) and (max-width: 60rem)").matches ? "phone" : "desktop"
}
