// A bundle in a web project: what Vite serves while one develops, and what it builds, trains and predicts in Chromium.

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import type { Browser, Page } from "playwright-core"
import ts from "typescript"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as vite8 from "vite"
import * as vite7 from "vite-7"
import plugin from "../compiler/cli/vite.js"
import { chromiumFile, launchChromium } from "./support/chromium.js"
import { nnc, temporaryFolder } from "./support/nnc.js"
import { serveFolder } from "./support/static-server.js"

const TRAINS = `
const trainer = await load(OPTIONS)
await trainer.train({ epochs: 5 })
const { output } = await trainer.predict({ x: new Float32Array(60).fill(0.5) })
document.body.textContent = JSON.stringify([...output.values])
`
/** Ends early at first, and keeps what was learned; a later visit goes on. */
const VISITS = `
import { load, type Trainer } from "./cancer.nn"

const folder = await navigator.storage.getDirectory()
const handle = await folder.getFileHandle("last.safetensors", { create: true })
const saved = new Uint8Array(await (await handle.getFile()).arrayBuffer())
const trainer: Trainer = await load({ device: "wasm" })
if (saved.length === 0) {
  const stop = new AbortController()
  const end = await trainer.train({
    epochs: 5,
    signal: stop.signal,
    onReport: ({ epoch }) => {
      if (epoch === 2) stop.abort()
    },
  })
  const writer = await handle.createWritable()
  await writer.write(new Uint8Array(await trainer.save()))
  await writer.close()
  document.body.textContent = "[" + end.why + "] with threads: " + crossOriginIsolated
} else {
  await trainer.resume(saved, { epochs: 5 })
  const { output } = await trainer.predict({ x: new Float32Array(60).fill(0.5) })
  document.body.textContent = JSON.stringify([...output.values])
}
`
const MAIN = {
  plugin: VISITS,
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
    for (const kind of ["single", "folder", "plugin"] as const) {
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
    cpSync("examples/cancer/cancer.nn", join(root, "plugin/src/cancer.nn"))
    cpSync("examples/cancer/data", join(root, "plugin/src/data"), { recursive: true })
    // The files that the module fetches, as static files of the site.
    cpSync(join(root, "folder/src/cancer"), join(root, "folder/public/cancer"), { recursive: true })
    browser = await launchChromium()
  })
  afterAll(async () => browser?.close())

  const config = (kind: string) => ({
    root: join(root, kind),
    configFile: false as const,
    logLevel: "error" as const,
    build: { target: "esnext", minify: false },
    // One page that reloads is not the same as one that loads.
    optimizeDeps: { noDiscovery: true },
    server: { port: 0, hmr: false, watch: null },
  })
  async function shown(url: string, visitor?: Page): Promise<string> {
    const page = visitor ?? (await browser.newPage())
    const errors: string[] = []
    page.on("pageerror", ({ message }) => errors.push(message))
    await page.goto(url)
    await page
      .waitForFunction("document.body.textContent.startsWith('[')", undefined, { timeout: 30_000 })
      .catch(() => {})
    const text = await page.evaluate(() => document.body.textContent)
    if (!visitor) await page.close()
    expect(errors).toEqual([])
    return text
  }

  it.each(["single", "folder"] as const)(
    "a bundle (%s) trains and predicts, in development and as it is built",
    async (kind) => {
      const server = await vite8.createServer(config(kind))
      await server.listen()
      const developed = await shown(server.resolvedUrls?.local[0] ?? "")
      await server.close()
      await vite8.build(config(kind))
      const files = await serveFolder(join(root, kind, "dist"))
      const built = await shown(files.url)
      files.close()
      expect(JSON.parse(developed)).toHaveLength(2)
      expect(built).toBe(developed)
      expect(developed).toBe((expected ??= developed))
    },
  )

  const withPlugin = { ...config("plugin"), plugins: [plugin({ for: "wasm" })] }
  it.each([
    { version: 7, serve: () => vite7.createServer(withPlugin), make: () => vite7.build(withPlugin) },
    { version: 8, serve: () => vite8.createServer(withPlugin), make: () => vite8.build(withPlugin) },
  ])(
    "a program is imported as a module (Vite $version): a run is ended, kept, gone on with after a reload",
    async ({ serve, make }) => {
      const server = await serve()
      await server.listen()
      const visitor = await browser.newPage()
      const url = server.resolvedUrls?.local[0] ?? ""
      expect(await shown(url, visitor)).toBe("[interrupted] with threads: true")
      expect(await shown(url, visitor)).toBe(expected)
      await server.close()
      await make()
      const files = await serveFolder(join(root, "plugin/dist"))
      expect(await shown(files.url, visitor)).toBe("[interrupted] with threads: false")
      expect(await shown(files.url, visitor)).toBe(expected)
      files.close()
      await visitor.close()
    },
  )

  it("the template of `nnc init` is a page that trains", async () => {
    const folder = join(root, "template")
    expect(nnc(["init", folder, "--template", "vite"])).toMatchObject({ exit: 0 })
    await vite8.build({ ...withPlugin, root: folder })
    const files = await serveFolder(join(folder, "dist"))
    const page = await browser.newPage()
    await page.goto(files.url)
    await page.locator("#status", { hasText: "Ready, on WebAssembly SIMD" }).waitFor()
    await page.click("#train")
    await page.locator("#status", { hasText: /Step 1000: loss 0.0\d+, finished/ }).waitFor()
    await page.fill("#x1", "0.9")
    await expect
      .poll(() => page.textContent("#says"), { timeout: 30_000 })
      .toMatch(/class 1 with probability 0.[89]/)
    await page.close()
    files.close()
  })

  it("shows a mistake in the page, with its lines, and goes on when it is repaired", async () => {
    const file = join(root, "plugin/src/cancer.nn")
    const right = readFileSync(file, "utf8")
    const server = await vite8.createServer({ ...withPlugin, server: { port: 0 }, logLevel: "silent" })
    await server.listen()
    const page = await browser.newPage()
    await page.goto(server.resolvedUrls?.local[0] ?? "")
    await page.waitForFunction("document.body.textContent.startsWith('[')")
    writeFileSync(file, right.replace("relu", "relo"))
    const overlay = page.locator("vite-error-overlay")
    await overlay.waitFor({ state: "attached" })
    await expect
      .poll(() => overlay.locator(".message-body").textContent(), { timeout: 30_000 })
      .toMatch(/no `relo` here.*name-unknown/)
    expect(await overlay.locator(".frame").textContent()).toMatch(
      /10 \|   x \|> Linear\(16\) \|> relo.*did you mean `relu`/s,
    )
    writeFileSync(file, right)
    await page.waitForFunction("document.body.textContent.startsWith('[')")
    await page.close()
    await server.close()
  })

  it("has types that TypeScript accepts", () => {
    const mains = ["single", "plugin", "template"].map((kind) => join(root, kind, "src/main.ts"))
    expect(complaints(mains)).toEqual([])
  })
})

function complaints(files: readonly string[]): readonly unknown[] {
  const program = ts.createProgram(files, {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
    types: [],
  })
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText)
}
