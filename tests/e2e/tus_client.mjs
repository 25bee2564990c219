// tus-js-client as anybody would use it: uploads a file, is cut off, goes on, or takes it back.
// Arguments: what to do, where uploads are created, the cookie, the file, an upload to go on with.
import { readFileSync } from "node:fs"
import process from "node:process"
import { Upload } from "tus-js-client"

const [what, endpoint, cookie, path, begun] = process.argv.slice(2)
const file = readFileSync(path)
const say = (told) => process.stdout.write(`${JSON.stringify(told)}\n`)

/** @param {object} more */
function uploadWith(more) {
  return new Promise((resolve, reject) => {
    const upload = new Upload(file, {
      endpoint,
      headers: { Cookie: cookie },
      metadata: { filetype: "audio/webm" },
      retryDelays: [],
      chunkSize: 20_000,
      onError: reject,
      onSuccess: () => resolve(upload),
      ...more(resolve, () => upload),
    })
    upload.start()
  })
}

const cutOff = (resolve, upload) => ({
  onChunkComplete: async (_size, accepted) => {
    if (accepted < 40_000) return
    await upload().abort()
    resolve(upload())
  },
})

if (what === "upload") {
  const done = await uploadWith(() => ({}))
  say({ url: done.url })
}
if (what === "resume") {
  const cut = await uploadWith(cutOff)
  const done = await uploadWith(() => ({ uploadUrl: cut.url }))
  say({ url: done.url, same: done.url === cut.url })
}
if (what === "deferred") {
  const done = await uploadWith(() => ({ uploadLengthDeferred: true }))
  say({ url: done.url })
}
if (what === "overridden") {
  const done = await uploadWith(() => ({ overridePatchMethod: true }))
  say({ url: done.url })
}
if (what === "eager") {
  const done = await uploadWith(() => ({ uploadDataDuringCreation: true }))
  say({ url: done.url })
}
if (what === "go-on") {
  const done = await uploadWith(() => ({ uploadUrl: begun, uploadLengthDeferred: true }))
  say({ url: done.url, same: done.url === begun })
}
if (what === "terminate") {
  const cut = await uploadWith(cutOff)
  await Upload.terminate(cut.url, { headers: { Cookie: cookie } })
  say({ url: cut.url })
}
