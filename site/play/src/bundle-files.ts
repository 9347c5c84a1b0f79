/** play: a compiled program -> the files of its bundle, as `nnc compile` lays them out; the trainer has no types of the program. */
import { type Bundle, sha256, VERSION, wasmBuild } from "nnc/browser"
import { runtime } from "virtual:nn-runtime"

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

const TRAINER = `import { loadTrainer } from "./runtime.browser.js"

/** Opens the bundle in this folder on a device of the page. */
export const load = ({ base = new URL(".", import.meta.url), ...options } = {}) => loadTrainer(base, options)
`
const PAGE = `<!doctype html>
<meta charset="utf-8" />
<title>A trained program</title>
<pre id="log"></pre>
<script type="module">
  import { load } from "./trainer.browser.js"
  const log = document.getElementById("log")
  const trainer = await load()
  log.append(trainer.device.adapter + "\\n")
  for await (const event of trainer.train()) log.append(JSON.stringify(event) + "\\n")
</script>
`

export async function filesOfBundle(
  source: string,
  { manifest, wgsl, wasm }: Bundle,
  data: ReadonlyMap<string, Blob>,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>([
    ["program.nn", encode(source)],
    ["runtime.browser.js", encode(runtime)],
    ["trainer.browser.js", encode(TRAINER)],
    ["index.html", encode(PAGE)],
    ["README.md", encode(readme(VERSION))],
  ])
  for (const [name, text] of wgsl) files.set(`kernels/${name}.wgsl`, encode(text))
  const module = wasmBuild(manifest)
  if (module && wasm) files.set(module.code.file, wasm)
  // A bundle names nothing outside of its folder.
  for (const [path, blob] of data)
    files.set(path.replace(/^(\.\.?\/)+/, ""), new Uint8Array(await blob.arrayBuffer()))
  const hashes = await Promise.all(
    [...files].map(async ([path, bytes]) => [path, await sha256(bytes)] as const),
  )
  const specs = JSON.stringify(manifest.data).replaceAll(/"path":"(?:\.\.?\/)+/g, '"path":"')
  const listed = { ...manifest, data: JSON.parse(specs) as unknown, files: Object.fromEntries(hashes) }
  return new Map([["manifest.json", encode(`${JSON.stringify(listed, null, 1)}\n`)], ...files])
}

const readme = (version: string): string => `# A compiled program

nnc ${version} compiled program.nn to this folder, which trains in a page without the compiler: serve it with any static server, for
instance \`npx serve .\`, and open index.html. trainer.browser.js is the module to import.

\`npx nnc train program.nn\` trains the same program under Node, \`npx nnc compile program.nn\` writes a bundle with types.
`
