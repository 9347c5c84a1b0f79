/** scripts: a digest of every kernel of every example and benchmark program, for every target. A change to the back end that should
 *  leave its output alone is checked by comparing two runs: `npm run digests > before`, the change, `npm run digests | diff before -`. */
import { createHash } from "node:crypto"
import { existsSync, readdirSync } from "node:fs"
import { basename, join } from "node:path"
import { whenConverted } from "../compiler/cli/convert/index.js"
import { compileFile } from "../compiler/cli/compile-file.js"
import { DEFAULT_TARGET, WEBGPU_VARIANTS } from "../compiler/targets/index.js"
import { writeData } from "../test/bench/data.js"

const digest = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex").slice(0, 16)

writeData("test/bench/data")
const examples = readdirSync("examples")
  .map((name) => join("examples", name, `${name}.nn`))
  .filter((path) => existsSync(path) && basename(path) !== "mnist.nn")
const workloads = readdirSync("test/bench")
  .filter((name) => name.endsWith(".nn"))
  .map((name) => join("test/bench", name))
const wanted = process.argv.slice(2)
const chosen = [...examples, ...workloads].filter(
  (path) => wanted.length === 0 || wanted.includes(basename(path, ".nn")),
)

for (const path of chosen) {
  const { bundle } = await whenConverted(() =>
    compileFile(path, { target: DEFAULT_TARGET, variants: WEBGPU_VARIANTS }),
  )
  if (bundle === undefined) throw new Error(`${path} compiles to nothing`)
  const { manifest, wgsl, wasm } = bundle
  const name = basename(path, ".nn")
  console.log(`${digest(JSON.stringify(manifest))} ${name} manifest`)
  if (wasm) console.log(`${digest(wasm)} ${name} wasm`)
  for (const [kernel, text] of [...wgsl].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${digest(text)} ${name} ${kernel}`)
}
