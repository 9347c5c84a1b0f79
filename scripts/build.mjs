// Builds dist/: compiled TypeScript, the standard library and what its parser made of it, and the runtime as one self-contained file each for Node
// and for browsers (the compiler puts these into every bundle). Plain JavaScript, as `npm ci` runs it first of all.

import { build } from "esbuild"
import { spawnSync } from "node:child_process"
import { cpSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const require = createRequire(import.meta.url)

compileTypeScript()
await bundleRuntime("runtime/node.ts", "node.js", "node")
await bundleRuntime("runtime/index.ts", "browser.js", "browser")
cpSync(`${root}/stdlib`, `${root}/dist/stdlib`, {
  recursive: true,
  filter: (path) => path.endsWith(".nn") || !/\.[^/]+$/.test(path),
})
await parseLibrary(`${root}/dist/stdlib/library.ast`)

function compileTypeScript() {
  const tsc = require.resolve("typescript/bin/tsc")
  const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.json"], {
    cwd: root,
    stdio: "inherit",
  })
  if (status !== 0) process.exit(status ?? 1)
}

/** So that no program waits for it. The host takes the file when it is there.
 *  @param {string} file */
async function parseLibrary(file) {
  rmSync(file, { force: true })
  const { fileHost } = await import("../dist/compiler/cli/host.js")
  const { printLibrary } = await import("../dist/compiler/ir/ast/library.js")
  writeFileSync(file, printLibrary(fileHost("").stdlib))
}

/** @param {string} entry @param {string} name @param {"node" | "browser"} platform */
async function bundleRuntime(entry, name, platform) {
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile: `dist/runtime-bundle/${name}`,
      bundle: true,
      format: "esm",
      target: "es2022",
      platform,
      external: ["webgpu"],
      legalComments: "inline",
      logLevel: "warning",
    })
  } catch {
    console.error(`Bundling ${entry} failed; see above.`)
    process.exit(1)
  }
}
