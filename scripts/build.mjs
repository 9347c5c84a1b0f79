// Builds dist/: compiled TypeScript; the compiler and the command line with the packages they use in few files, which start
// quickly; the standard library, as text and parsed; the runtime as one self-contained file each for Node and for
// browsers (the compiler puts these into every bundle). Plain JavaScript, as `npm ci` runs it first of all.

import { build } from "esbuild"
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const require = createRequire(import.meta.url)

compileTypeScript()
await bundleCompiler()
await bundleCommandLine()
await bundleRuntime("runtime/node.ts", "node.js", "node")
await bundleRuntime("runtime/index.ts", "browser.js", "browser")
await bundleRuntime("runtime/index.ts", "browser.iife.js", "browser", {
  format: "iife",
  globalName: "nncRuntime",
})
cpSync(`${root}/stdlib`, `${root}/dist/stdlib`, {
  recursive: true,
  filter: (path) => path.endsWith(".nn") || !/\.[^/]+$/.test(path),
})
cpSync(`${root}/compiler/pytorch/support`, `${root}/dist/compiler/pytorch/support`, {
  recursive: true,
  filter: (path) => path.endsWith(".py") || !/\.[^/]+$/.test(path),
})
await parseLibrary(`${root}/dist/stdlib/library.ast`)
await bundlePage()
markBuild(`${root}/dist/compiler/cli`, `${root}/dist/stdlib`)

function compileTypeScript() {
  const tsc = join(dirname(require.resolve("typescript-native/package.json")), "bin/tsc")
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

/** Writes the hash of this build's parts, by which the command line knows programs that it compiled before.
 *  @param {string} cli @param {string} stdlib */
function markBuild(cli, stdlib) {
  const hash = createHash("sha256")
  for (const folder of [cli, stdlib])
    for (const name of readdirSync(folder).sort())
      if (/\.(js|nn|ast)$/.test(name)) hash.update(`${name}\n`).update(readFileSync(`${folder}/${name}`))
  writeFileSync(`${cli}/build.sha256`, hash.digest("hex"))
}

/** Does no I/O: one file for Node and for browsers. */
function bundleCompiler() {
  return bundle("compiler/index.ts", {
    entryPoints: ["compiler/index.ts"],
    outfile: "dist/compiler/index.js",
    allowOverwrite: true,
    platform: "neutral",
    mainFields: ["module", "main"],
  })
}

/** `nnc/browser`: compiler, runtime and standard library in one file, from the output of TypeScript, where the parsed library lies too. */
function bundlePage() {
  return bundle("compiler/browser/index.ts", {
    entryPoints: ["dist/compiler/browser/index.js"],
    outfile: "dist/browser/index.js",
    platform: "browser",
    loader: { ".ast": "text" },
    minify: true,
  })
}

/** Large packages stay outside, in pieces of their own: only the commands that need them load them. */
function bundleCommandLine() {
  return bundle("compiler/cli/main.ts", {
    entryPoints: { "cli/main": "compiler/cli/main.ts", "cli/vite": "compiler/cli/vite.ts" },
    outdir: "dist/compiler",
    splitting: true,
    chunkNames: "cli/[name]-[hash]",
    allowOverwrite: true,
    platform: "node",
    external: ["webgpu", "ts-morph", "prettier", "sharp"],
    // Packages in the older module format ask for Node's modules by `require`.
    banner: {
      js: 'import { createRequire as nodeRequire } from "node:module"\nconst require = nodeRequire(import.meta.url)',
    },
  })
}

/** @param {string} entry @param {string} name @param {"node" | "browser"} platform @param {import("esbuild").BuildOptions} [format] */
function bundleRuntime(entry, name, platform, format = {}) {
  return bundle(entry, {
    entryPoints: [entry],
    outfile: `dist/runtime-bundle/${name}`,
    platform,
    external: ["webgpu"],
    ...format,
  })
}

/** @param {string} what @param {import("esbuild").BuildOptions} options */
async function bundle(what, options) {
  const shared = /** @type {const} */ ({
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    target: "es2022",
    legalComments: "inline",
    logLevel: "warning",
  })
  try {
    await build({ ...shared, ...options })
  } catch {
    console.error(`Bundling ${what} failed; see above.`)
    process.exit(1)
  }
}
