/** The server answered, and it was no. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} message the server's own words, for people
   */
  constructor(status, message) {
    super(message)
    this.status = status
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
 * @param {{ isLast?: boolean }} [how] what is sent last outlives the page
 */
export async function send(method, url, body, { isLast = false } = {}) {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? ""
  const answer = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
    redirect: "error",
    keepalive: isLast,
    signal: AbortSignal.timeout(10_000),
  })
  const text = answer.status === 204 ? "" : await answer.text()
  if (!answer.ok) throw new Refused(answer.status, messageOf(text))
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

/** @param {string} text */
function messageOf(text) {
  try {
    return String(JSON.parse(text).message ?? "")
  } catch {
    return ""
  }
}

/**
 * Have the browser let go of connections that a silent network loss has killed. It keeps six of
 * them to a server, and each would swallow a request for as long as that is waited for.
 */
export async function shakeConnections() {
  const ask = () => fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(1_500) })
  await Promise.allSettled(Array.from({ length: 6 }, ask))
}
