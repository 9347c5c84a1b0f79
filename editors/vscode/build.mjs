// Builds dist/: the extension and the page of its curves, a file each.

import { copyFileSync, mkdirSync } from "node:fs"
import { createRequire } from "node:module"
import { build } from "esbuild"

const require = createRequire(import.meta.url)
const shared = /** @type {const} */ ({
  bundle: true,
  minify: true,
  legalComments: "linked",
  logLevel: "warning",
})
mkdirSync("dist", { recursive: true })
await build({
  ...shared,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.cjs",
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
})
await build({
  ...shared,
  entryPoints: ["src/page.ts"],
  outfile: "dist/page.js",
  platform: "browser",
  format: "iife",
  target: "es2022",
})
copyFileSync(require.resolve("uplot/dist/uPlot.min.css"), "dist/uPlot.min.css")
