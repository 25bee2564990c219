// Copies what the pages need from node_modules to static/vendor, which git ignores.
// The folder is built aside and renamed, so that it is never half there.

import { cp, mkdir, readFile, rename, rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const packages = join(root, "node_modules")
const vendor = join(root, "static", "vendor")
const aside = `${vendor}.${process.pid}`

const FILES = {
  "htmx.min.js": "htmx.org/dist/htmx.min.js",
  "htmx.LICENSE.txt": "htmx.org/LICENSE",
  "socket.io.esm.min.js": "socket.io-client/dist/socket.io.esm.min.js",
  "socket.io.esm.min.js.map": "socket.io-client/dist/socket.io.esm.min.js.map",
  "socket.io.LICENSE.txt": "socket.io-client/LICENSE",
  "icons/LICENSE.txt": "lucide-static/LICENSE",
}

for (const name of JSON.parse(await readFile(join(root, "scripts", "icons.json"), "utf8"))) {
  FILES[`icons/${name}.svg`] = `lucide-static/icons/${name}.svg`
}

try {
  const missing = []
  await mkdir(join(aside, "icons"), { recursive: true })
  for (const [target, source] of Object.entries(FILES)) {
    await cp(join(packages, source), join(aside, target)).catch(() => missing.push(source))
  }
  if (missing.length > 0) throw new Error(`not in node_modules: ${missing.join(", ")}`)
  await rm(vendor, { recursive: true, force: true })
  await rename(aside, vendor)
} catch (error) {
  await rm(aside, { recursive: true, force: true })
  console.error(`static/vendor was not made: ${error.message}`)
  process.exitCode = 1
}
