// The built playground in Chromium: a visitor writes, trains, looks at, shares and exports a program.
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { unzipSync } from "fflate"
import type { Browser, Page } from "playwright-core"
import { build } from "vite"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { png } from "../compiler/cli/png.js"
import { readBundleFolder } from "../runtime/node.js"
import { chromiumFile, launchChromium } from "./support/chromium.js"
import { temporaryFolder } from "./support/nnc.js"
import { ISOLATED, serveFolder, type StaticServer } from "./support/static-server.js"

/** Beside other tests a page takes its time. */
const SLOWLY = { timeout: 60_000 }

const missing = chromiumFile() === undefined ? "no Chromium here" : undefined

describe.skipIf(missing)(`the playground${missing ? ` (skipped: ${missing})` : ""}`, () => {
  let browser: Browser
  let server: StaticServer
  let page: Page
  const errors: string[] = []

  beforeAll(async () => {
    const outDir = join(temporaryFolder(), "play")
    await build({
      configFile: "site/play/vite.config.ts",
      logLevel: "error",
      build: { outDir, minify: false, reportCompressedSize: false },
    })
    server = await serveFolder(outDir, ISOLATED)
    browser = await launchChromium()
    page = await browser.newPage({ viewport: { width: 1300, height: 900 } })
    page.on("pageerror", ({ message }) => errors.push(message))
    await page.goto(`${server.url}#example=spirals`)
  })
  afterAll(async () => {
    await browser?.close()
    server?.close()
  })

  /** Checkpoints that the browser has in whole. */
  const filesKept = (): Promise<number> =>
    page.evaluate(`(async () => {
      let count = 0
      const folder = await navigator.storage.getDirectory()
      for await (const file of folder.values()) if ((await file.getFile()).size > 0) count++
      return count
    })()`)
  const problems = page_("#problems")
  const status = page_("#status")
  function page_(selector: string): () => Promise<string> {
    return async () => (await page.locator(selector).textContent()) ?? ""
  }
  const write = async (find: string, replace: string): Promise<void> => {
    await page.getByRole("textbox", { name: "The program" }).focus()
    const text = (await page.locator("#editor .cm-line").allTextContents()).join("\n")
    expect(text).toContain(find)
    const line = page.locator("#editor .cm-line", { hasText: find }).first()
    await line.click()
    await page.keyboard.press("Home")
    await page.keyboard.press("Shift+End")
    await page.keyboard.insertText(replace)
  }

  it("shows a mistake in its line while one types, and says when it is gone", async () => {
    await expect.poll(problems, SLOWLY).toBe("Every shape fits.")
    await write("report accuracy", "  report accuracy = acuracy(scores, arm)")
    await expect.poll(problems, SLOWLY).toMatch(/there is no `acuracy` here.*line 17.*accuracy/s)
    await write("acuracy", "  report accuracy = accuracy(scores, arm)")
    await expect.poll(problems, SLOWLY).toBe("Every shape fits.")
  })

  it("trains in the page, with its device, curves and what the model sees", async () => {
    await page.selectOption("#device", "wasm")
    await page.click("#train")
    await expect.poll(status, SLOWLY).toMatch(/^Finished after 1,500 steps in/)
    expect(await page_("#facts")()).toMatch(/accuracy1.*WebAssembly SIMD, 2 threads/s)
    expect(await page.locator("#curves .chart canvas").count()).toBe(2)
    expect(await page.locator("#view canvas").count()).toBe(1)
    expect(await page.locator("#resume").isVisible()).toBe(true)
  })

  it("keeps what was learned when the page is left while it trains", async () => {
    await write("epochs 300", "  batch 64, shuffle, epochs 100000, seed 1")
    const before = await filesKept()
    await page.click("#train")
    await expect.poll(filesKept, SLOWLY).toBeGreaterThan(before)
    await expect.poll(status, SLOWLY).toMatch(/^Step [\d,]+ of 500,000/)
    await page.reload()
    await expect.poll(status, SLOWLY).toContain("What this program had learned is still here")
    await page.selectOption("#device", "wasm")
    await page.click("#resume")
    await expect.poll(status, SLOWLY).toMatch(/^Step \d+(,\d+)+ of 500,000/)
    const [step = 0] = [...(await status()).matchAll(/^Step ([\d,]+)/g)].map(([, n = ""]) =>
      Number(n.replaceAll(",", "")),
    )
    expect(step).toBeGreaterThan(1000)
    await page.click("#train")
    await expect.poll(status, SLOWLY).toMatch(/^Stopped after/)
    await write("epochs 100000", "  batch 64, shuffle, epochs 300, seed 1")
  })

  it("trains on WebGPU, also SwiftShader's", async (test) => {
    const adapter = await page.evaluate("navigator.gpu?.requestAdapter().then((found) => found !== null)")
    test.skip(adapter !== true, "this Chromium has no WebGPU adapter")
    await write("batch 64", "  batch 64, shuffle, epochs 10, seed 1")
    await page.selectOption("#device", "webgpu")
    await page.click("#train")
    await expect.poll(status, SLOWLY).toMatch(/^Finished after 50 steps in/)
    expect(await page_("#facts")()).toContain("WebGPU: google swiftshader")
    await write("batch 64", "  batch 64, shuffle, epochs 300, seed 1")
  })

  it("ties the lines of every stage to those of the program", async () => {
    await page.click('[data-tab="stages"]')
    await expect.poll(page_("#stage-text"), SLOWLY).toContain("graph init(")
    await page.selectOption("#stage", "wgsl")
    await expect.poll(page_("#stage-text"), SLOWLY).toContain("var<storage")
    await page.locator("#editor .cm-line", { hasText: "Linear" }).hover()
    await expect.poll(() => page.locator("#stage-text .lit").count(), SLOWLY).toBeGreaterThan(0)
    await page.locator("#stage-text .lit").first().hover()
    await expect
      .poll(() => page.locator("#editor .lit").allTextContents(), SLOWLY)
      .toContainEqual(expect.stringContaining("Linear"))
    await page.selectOption("#stage", "kernels")
    await page.click("#profile")
    await expect.poll(page_("#profiled"), SLOWLY).toMatch(/^A step of 64 rows takes .* ms, measured on/)
    await page.locator("#editor .cm-line.share", { hasText: "Linear" }).hover()
    await expect.poll(page_("#profiled"), SLOWLY).toMatch(/^Line 11: \d+ % of a step, /)
  })

  it("takes files of the user, and says what is wrong with them", async () => {
    await page.click('[data-tab="data"]')
    const upload = (text: string): Promise<void> =>
      page.setInputFiles("#upload", { name: "spirals.csv", mimeType: "text/csv", buffer: Buffer.from(text) })
    await upload("x1,arm\n1,0\n3,1\n5,0\n7,1\n9,0\n")
    await expect.poll(problems, SLOWLY).toMatch(/spirals\.csv has no column "x2"/)
    await upload("x1,x2,arm\n1,2,0\n3,4,1\n5,6,0\n7,8,1\n9,1,0\n")
    await expect.poll(problems, SLOWLY).toContain("a batch of 64 is never full")
  })

  it("makes arrays and a program of images", async () => {
    const other = await browser.newPage()
    await other.goto(`${server.url}#example=xor`)
    await other.locator("#tabs").getByText("Data").click()
    const images = Array.from({ length: 20 }, (_, i) => ({
      name: `${i % 2 ? "dark" : "light"}-${i}.png`,
      mimeType: "image/png",
      buffer: Buffer.from(png(4, 4, new Uint8Array(48).fill(i % 2 ? 9 * i : 255 - 9 * i))),
    }))
    await other.setInputFiles("#upload", [
      ...images,
      { ...images[0]!, name: "bad.png", buffer: Buffer.of(1) },
    ])
    const said = other.locator("#taken")
    await said.getByText("20 images of 2 classes (dark, light)").waitFor()
    expect(await said.textContent()).toContain("No images that this browser reads: bad.png")
    await said.getByRole("button").click()
    await other.locator("#problems", { hasText: "Every shape fits" }).waitFor()
    await other.locator("#tabs").getByText("Training").click()
    await other.selectOption("#device", "wasm")
    await other.click("#train")
    await other.locator("#status", { hasText: "Finished after 120 steps" }).waitFor(SLOWLY)
    await other.close()
  })

  it("says so when the browser has no room for what is learned, and trains on", async () => {
    const other = await browser.newPage()
    const devtools = await other.context().newCDPSession(other)
    await other.goto(`${server.url}#example=xor`)
    const { origin } = new URL(server.url)
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1000 })
    await other.selectOption("#device", "wasm")
    await other.click("#train")
    await other.locator("#status", { hasText: "Finished" }).waitFor()
    await other.locator("#notes", { hasText: "it has no room left" }).waitFor()
    expect(await other.locator("#checkpoint").isVisible()).toBe(true)
    await other.close()
  })

  it("shares the program and its data as an address, and hands out a bundle", async () => {
    await write("epochs 300", "  batch 2, shuffle, epochs 3, seed 1")
    await page.click("#share")
    await expect.poll(() => page.url(), SLOWLY).toContain("#p=")
    const other = await browser.newPage()
    await other.goto(page.url())
    await other.locator("#editor", { hasText: "epochs 3," }).waitFor()
    await other.selectOption("#device", "wasm")
    await other.click("#train")
    await other.locator("#status", { hasText: "Finished after 6 steps" }).waitFor()
    const [zip] = await Promise.all([other.waitForEvent("download"), other.click("#export")])
    const folder = temporaryFolder()
    const chunks: Buffer[] = []
    for await (const chunk of await zip.createReadStream()) chunks.push(chunk as Buffer)
    for (const [path, bytes] of Object.entries(unzipSync(Buffer.concat(chunks)))) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), bytes)
    }
    expect((await readBundleFolder(folder)).manifest).toMatchObject({ name: "program" })
    expect(existsSync(join(folder, "trainer.browser.js"))).toBe(true)
    await other.close()
    expect(errors).toEqual([])
  })

  it("works from its second visit on when the server is gone", async () => {
    await page.evaluate("navigator.serviceWorker.ready")
    server.close()
    await page.goto(`${server.url}#example=digits`)
    await page.reload()
    await expect.poll(problems, SLOWLY).toBe("Every shape fits.")
    expect(await page.evaluate("crossOriginIsolated")).toBe(true)
    await page.selectOption("#device", "wasm")
    await page.click("#train")
    await expect.poll(status, SLOWLY).toMatch(/^Step [1-9]/)
  })
})
