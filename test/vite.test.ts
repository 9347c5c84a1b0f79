// A bundle in a web project: what Vite serves while one develops, and what it builds, trains and predicts in Chromium.

import { cpSync, mkdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import type { Browser } from "playwright-core"
import ts from "typescript"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { build, createServer, type InlineConfig } from "vite"
import { chromiumFile, launchChromium } from "./support/chromium.js"
import { nnc, temporaryFolder } from "./support/nnc.js"
import { serveFolder } from "./support/static-server.js"

const TRAINS = `
const trainer = await load(OPTIONS)
await trainer.train({ epochs: 5 })
const { output } = await trainer.predict({ x: new Float32Array(60).fill(0.5) })
document.body.textContent = JSON.stringify([...output.values])
`
const MAIN = {
  single: `import { load } from "./cancer.js"\n${TRAINS.replace("OPTIONS", '{ device: "wasm" }')}`,
  folder: `import { load } from "./cancer/trainer.browser.js"\n${TRAINS.replace("OPTIONS", '{ device: "wasm", base: "/cancer/" }')}`,
}

const missing = chromiumFile() === undefined ? "no Chromium here" : undefined

describe.skipIf(missing)(`in a project of Vite${missing ? ` (skipped: ${missing})` : ""}`, () => {
  const root = temporaryFolder()
  const example = resolve("examples/cancer/cancer.nn")
  let browser: Browser
  let expected: string

  beforeAll(async () => {
    for (const kind of ["single", "folder"] as const) {
      mkdirSync(join(root, kind, "src"), { recursive: true })
      writeFileSync(
        join(root, kind, "index.html"),
        '<!doctype html><title>app</title><script type="module" src="/src/main.ts"></script>',
      )
      writeFileSync(join(root, kind, "src/main.ts"), MAIN[kind])
    }
    const single = nnc(["compile", example, "--single", "-o", join(root, "single/src/cancer.js")])
    expect(single.exit, single.err).toBe(0)
    expect(nnc(["compile", example, "-o", join(root, "folder/src/cancer")]).exit).toBe(0)
    // The files that the module fetches, as static files of the site.
    cpSync(join(root, "folder/src/cancer"), join(root, "folder/public/cancer"), { recursive: true })
    browser = await launchChromium()
  })
  afterAll(async () => browser?.close())

  const config = (kind: string): InlineConfig => ({
    root: join(root, kind),
    configFile: false,
    logLevel: "error",
    build: { target: "esnext", minify: false },
    // One page that reloads is not the same as one that loads.
    optimizeDeps: { noDiscovery: true },
    server: { port: 0, hmr: false, watch: null },
  })
  async function shown(url: string): Promise<string> {
    const page = await browser.newPage()
    const errors: string[] = []
    page.on("pageerror", ({ message }) => errors.push(message))
    await page.goto(url)
    await page
      .waitForFunction("document.body.textContent.startsWith('[')", undefined, { timeout: 30_000 })
      .catch(() => {})
    const text = await page.evaluate(() => document.body.textContent)
    await page.close()
    expect(errors).toEqual([])
    return text
  }

  it.each(["single", "folder"] as const)(
    "a bundle (%s) trains and predicts, in development and as it is built",
    async (kind) => {
      const server = await createServer(config(kind))
      await server.listen()
      const developed = await shown(server.resolvedUrls?.local[0] ?? "")
      await server.close()
      await build(config(kind))
      const files = await serveFolder(join(root, kind, "dist"))
      const built = await shown(files.url)
      files.close()
      expect(JSON.parse(developed)).toHaveLength(2)
      expect(built).toBe(developed)
      expect(developed).toBe((expected ??= developed))
    },
  )

  it("has types that TypeScript accepts", () => {
    const main = join(root, "single/src/main.ts")
    const program = ts.createProgram([main], {
      strict: true,
      noEmit: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
      types: [],
    })
    expect(ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText)).toEqual([])
  })
})
