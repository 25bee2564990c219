import { sha256 } from "../helpers/digest.js"

/**
 * @import { Chunk } from "./journal.js"
 *
 * @typedef {object} Wanted
 * @property {number} from the part's byte to begin with
 * @property {number} most how many bytes at the most
 * @property {() => number} size how many bytes the part has
 * @property {() => boolean} isLost whether what is not found now will not be found later
 * @property {(what: string) => void} damaged told of what is not as it was recorded
 */

/**
 * A part's bytes as they come out of the stores again, and the recorder's clock at the end of the
 * last chunk that they complete. No bytes when there are none yet.
 *
 * What is lost or came back damaged is filled up to its length: a hole in a recording costs a
 * moment, and a shift costs the rest of it.
 *
 * @param {Chunk[]} chunks in order; two stores may hold the same bytes
 * @param {Wanted} wanted
 */
export async function readBack(chunks, { from, most, size, isLost, damaged }) {
  const end = from + most
  /** @type {Uint8Array[]} */
  const pieces = []
  let at = from
  /** @type {number | null} */
  let ms = null
  /** @param {Uint8Array} piece */
  const take = (piece) => {
    pieces.push(piece)
    at += piece.byteLength
  }
  /** @param {number} to */
  const skip = (to) => {
    damaged(`Bytes ${at} to ${to} are lost`)
    take(new Uint8Array(to - at))
  }
  for (const chunk of chunks) {
    if (chunk.offset + chunk.length <= at) continue
    if (chunk.offset > at && !isLost()) break
    if (chunk.offset > at) skip(Math.min(chunk.offset, end))
    if (at === end) break
    take((await whole(chunk, damaged)).subarray(at - chunk.offset, end - chunk.offset))
    if (at === chunk.offset + chunk.length) ms = chunk.ms
    if (at === end) break
  }
  if (at === from && at < size() && isLost()) skip(Math.min(size(), end))
  return { bytes: joined(pieces, at - from), ms }
}

/**
 * A chunk's bytes. Some browsers read stored bytes back short or wrong.
 *
 * @param {Chunk} chunk
 * @param {(what: string) => void} damaged
 */
async function whole(chunk, damaged) {
  const data = new Uint8Array(chunk.data)
  if (data.byteLength === chunk.length && (await sha256(data)) === chunk.hash) return data
  damaged(`Bytes ${chunk.offset} to ${chunk.offset + chunk.length} came back damaged`)
  const filled = new Uint8Array(chunk.length)
  filled.set(data.subarray(0, chunk.length))
  return filled
}

/**
 * @param {Uint8Array[]} pieces
 * @param {number} length
 */
function joined(pieces, length) {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.byteLength
  }
  return bytes
}
