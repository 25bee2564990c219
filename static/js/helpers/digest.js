/**
 * The SHA-256 of some bytes, in base64.
 *
 * @param {BufferSource} data
 */
export async function sha256(data) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data))
  return btoa(String.fromCharCode(...digest))
}
