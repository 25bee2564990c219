// A little tus server in this process. It keeps what it acknowledges, and fails on demand.

import { createHash } from "node:crypto"
import { createServer } from "node:http"
import { buffer } from "node:stream/consumers"

const TUS = { "Tus-Resumable": "1.0.0", "Cache-Control": "no-store" }

export class TusServer {
  uploads = new Map()
  requests = []
  #faults = []
  #server = createServer((request, answer) => this.#serve(request, answer))

  static async start() {
    const server = new TusServer()
    await new Promise((resolve) => {
      server.#server.listen(0, "127.0.0.1", resolve)
    })
    server.url = `http://127.0.0.1:${server.#server.address().port}/parts`
    return server
  }

  stop() {
    this.#server.closeAllConnections()
    return new Promise((resolve) => {
      this.#server.close(resolve)
    })
  }

  /** The only upload's bytes as text. */
  get text() {
    const [upload] = this.uploads.values()
    return upload?.bytes.toString()
  }

  get only() {
    return [...this.uploads.values()][0]
  }

  count(method) {
    return this.requests.filter((request) => request.method === method).length
  }

  /**
   * Meet the next requests of that method with these faults, one each.
   * A fault gets (request, answer, body, serve) and answers in the server's place.
   */
  fails(method, ...faults) {
    this.#faults.push(...faults.map((fault) => ({ method, fault })))
  }

  async #serve(request, answer) {
    const body = await buffer(request)
    this.requests.push({ method: request.method, url: request.url, headers: request.headers, size: body.length })
    const at = this.#faults.findIndex(({ method }) => method === request.method)
    const serve = (taken = body, to = answer) => this.#do(request, to, taken)
    if (at < 0) return serve()
    const [{ fault }] = this.#faults.splice(at, 1)
    return fault(request, answer, body, serve)
  }

  #do(request, answer, body) {
    if (request.method === "POST") return this.#create(request, answer)
    const key = decodeURIComponent(request.url.split("/")[2])
    const upload = this.uploads.get(key)
    if (!upload) return answer.writeHead(404, TUS).end()
    if (request.method === "HEAD") return answer.writeHead(200, { ...TUS, "Upload-Offset": upload.bytes.length }).end()
    if (request.method === "PUT") return this.#close(upload, answer, body)
    return this.#append(upload, request, answer, body)
  }

  #create(request, answer) {
    const metadata = Object.fromEntries(
      request.headers["upload-metadata"].split(",").map((pair) => {
        const [key, value] = pair.split(" ")
        return [key, Buffer.from(value, "base64").toString()]
      }),
    )
    if (!this.uploads.has(metadata.key)) this.uploads.set(metadata.key, { metadata, bytes: Buffer.alloc(0), end: null })
    answer.writeHead(201, { ...TUS, Location: `${this.url}/${metadata.key}`, "Part-Number": this.uploads.size }).end()
  }

  #append(upload, request, answer, body) {
    const at = Number(request.headers["upload-offset"])
    const held = { ...TUS, "Upload-Offset": upload.bytes.length }
    if (at !== upload.bytes.length) return answer.writeHead(409, held).end()
    const sum = createHash("sha256").update(body).digest("base64")
    if (request.headers["upload-checksum"] !== `sha256 ${sum}`) return answer.writeHead(460, held).end()
    upload.bytes = Buffer.concat([upload.bytes, body])
    const paced = this.pace && { "Upload-Pace": String(this.pace) }
    return answer.writeHead(204, { ...TUS, "Upload-Offset": upload.bytes.length, ...paced }).end()
  }

  #close(upload, answer, body) {
    upload.end ??= JSON.parse(body.toString())
    answer.writeHead(204, TUS).end()
  }
}

export const faults = {
  status: (status, headers = TUS) => (_request, answer) => answer.writeHead(status, headers).end(),
  /** The interview has as much as it may. */
  full: () => (_request, answer) => answer.writeHead(413, { ...TUS, "Upload-Quota": "bytes" }).end(),
  /** A proxy or portal of the network, which knows nothing of tus. */
  portal: (status = 200) => (_request, answer) =>
    answer.writeHead(status, { "Content-Type": "text/html" }).end("<html>Please sign in to the café's network"),
  /** The server does it, and its answer gets lost. */
  lostAnswer: (request, _answer, body, serve) => {
    const nobody = { writeHead: () => nobody, end: () => nobody }
    serve(body, nobody)
    request.socket.destroy()
  },
  cut: (request) => request.socket.destroy(),
  /** The connection stays open and nothing ever comes back. */
  hang: () => undefined,
  /** The bytes are changed on their way. */
  garbled: (_request, _answer, body, serve) => serve(Buffer.concat([Buffer.from("?"), body.subarray(1)])),
  /** Only the first bytes arrive, and the server keeps them, as tus asks. */
  half: (request, answer, body, serve) => {
    const kept = body.subarray(0, Math.ceil(body.length / 2))
    request.headers["upload-checksum"] = `sha256 ${createHash("sha256").update(kept).digest("base64")}`
    serve(kept)
  },
}
