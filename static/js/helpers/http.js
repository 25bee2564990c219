/** The server answered, and it was no. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} message the server's own words, for people
   * @param {string} [word] and for scripts
   */
  constructor(status, message, word = "") {
    super(message)
    this.status = status
    this.word = word
  }
}

/**
 * Send JSON as our own page. Answers the JSON that comes back, if any.
 *
 * Throws `Refused` when the server says no, and any other error when it was not reached.
 *
 * @param {"POST" | "PUT"} method
 * @param {string} url
 * @param {object} body
 * @param {{ isLast?: boolean, patience?: number }} [how] what is sent last outlives the page;
 *   `patience` is in milliseconds
 */
export async function send(method, url, body, { isLast = false, patience = 10_000 } = {}) {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? ""
  const answer = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
    redirect: "error",
    keepalive: isLast,
    signal: AbortSignal.timeout(patience),
  })
  const text = answer.status === 204 ? "" : await answer.text()
  if (!answer.ok) throw new Refused(answer.status, told(text, "message"), told(text, "error"))
  // A captive portal answers 200 with a page of its own; that is no answer of ours.
  return text ? JSON.parse(text) : null
}

/**
 * Get a piece of a page. Throws as `send` does.
 *
 * @param {string} url
 */
export async function getPiece(url) {
  const answer = await fetch(url, {
    headers: { "HX-Request": "true", Accept: "text/html" },
    cache: "no-store",
    redirect: "error",
    signal: AbortSignal.timeout(10_000),
  })
  if (!answer.ok) throw new Refused(answer.status, "")
  return answer.text()
}

/**
 * Get a sound, or null where the server has none. Throws as `send` does.
 *
 * @param {string} url
 * @param {string} accepts
 */
export async function getSound(url, accepts) {
  const answer = await fetch(url, { headers: { Accept: accepts }, redirect: "error", signal: AbortSignal.timeout(7_000) })
  if (!answer.ok) throw new Refused(answer.status, "")
  return answer.status === 204 ? null : answer.arrayBuffer()
}

/**
 * Where who has finished goes on, or null where they are done. Throws as `send` does.
 *
 * @param {string} room the room's own address
 * @returns {Promise<string | null>}
 */
export async function getWayOn(room) {
  return (await getFacts(`${room}/way-on`)).address
}

/**
 * A link by which who has finished reads their answers: the one of that token where it still works,
 * else a new one. Throws as `send` does.
 *
 * @param {string} room the room's own address
 * @param {string | null} token
 * @returns {Promise<{ address: string, token: string, until: string }>}
 */
export async function getAnswersLink(room, token) {
  return send("POST", `${room}/answers-links`, { token })
}

/**
 * Get JSON. Throws as `send` does.
 *
 * @param {string} url
 */
export async function getFacts(url) {
  const answer = await fetch(url, {
    headers: { Accept: "application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(10_000),
  })
  if (!answer.ok) throw new Refused(answer.status, "")
  return answer.json()
}

/**
 * @param {string} text
 * @param {"message" | "error"} what
 */
function told(text, what) {
  try {
    return String(JSON.parse(text)[what] ?? "")
  } catch {
    return ""
  }
}

/**
 * Whether anybody answers, whatever they say. Several at once have the browser let go of connections
 * that a silent network loss has killed: it keeps six of them to a server, and each would swallow a
 * request for as long as that is waited for.
 *
 * @param {number} times at once
 * @returns {Promise<boolean>}
 */
export async function knock(times) {
  const ask = () => fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(1_000) })
  return Promise.any(Array.from({ length: times }, ask)).then(
    () => true,
    () => false,
  )
}
