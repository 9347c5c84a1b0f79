/** test: the command line as one file, made once before all tests: they start it many times, and it starts quickly then. Vitest
 *  calls this by its place in vitest.config.ts. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { build } from "esbuild"
import { fileHost } from "../../compiler/cli/host.js"
import { printLibrary } from "../../compiler/ir/ast/library.js"

/** Where the tests find it: the workers of a run inherit the variable. */
const FOLDER = "NNC_TEST_BUILD"

/** The built `compiler/cli/main.ts`. */
export const commandLine = (): string => {
  const folder = process.env[FOLDER]
  if (folder === undefined) throw new Error("the global setup of vitest.config.ts has not run")
  return join(folder, "compiler/cli/main.js")
}

export default async function setup(): Promise<() => void> {
  // Below the repository, where packages are found; one for each run, as runs may overlap.
  mkdirSync(".cache", { recursive: true })
  const folder = resolve(mkdtempSync(".cache/test-build-"))
  process.env[FOLDER] = folder
  // The same places as in dist/: files find each other by them.
  const shared = { bundle: true, format: "esm", target: "es2022", logLevel: "warning" } as const
  await Promise.all([
    // In pieces, so that a command loads only the packages it needs, as from dist/.
    build({
      ...shared,
      entryPoints: { "compiler/cli/main": "compiler/cli/main.ts" },
      outdir: folder,
      splitting: true,
      chunkNames: "compiler/cli/[name]-[hash]",
      platform: "node",
      external: ["webgpu", "ts-morph", "prettier"],
      // Packages in the older module format ask for Node's modules by `require`.
      banner: {
        js: 'import { createRequire as nodeRequire } from "node:module"\nconst require = nodeRequire(import.meta.url)',
      },
    }),
    build({
      ...shared,
      entryPoints: ["runtime/node.ts"],
      outfile: join(folder, "runtime-bundle/node.js"),
      platform: "node",
      external: ["webgpu"],
    }),
    build({
      ...shared,
      entryPoints: ["runtime/index.ts"],
      outfile: join(folder, "runtime-bundle/browser.js"),
      platform: "browser",
    }),
    build({
      ...shared,
      entryPoints: ["runtime/index.ts"],
      outfile: join(folder, "runtime-bundle/browser.iife.js"),
      platform: "browser",
      format: "iife",
      globalName: "nncRuntime",
    }),
  ])
  cpSync("compiler/pytorch/support", join(folder, "compiler/pytorch/support"), { recursive: true })
  cpSync("stdlib", join(folder, "stdlib"), { recursive: true })
  writeFileSync(join(folder, "stdlib/library.ast"), printLibrary(fileHost("").stdlib))
  return () => rmSync(folder, { recursive: true, force: true })
}
