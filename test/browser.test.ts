// A bundle in pages of a real browser: the same run as in Node, on each device the browser has, and its failures.

import { cpSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { loadBundle, type TrainEvent } from "../runtime/node.js"
import { chromiumFile, inPage, launchChromium } from "./support/chromium.js"
import { nnc, temporaryFolder } from "./support/nnc.js"
import { ISOLATED, serveFolder, type StaticServer } from "./support/static-server.js"

interface Run {
  readonly device: Readonly<Record<string, unknown>>
  readonly losses: readonly number[]
  /** Checkpoints after 20 epochs, and after going on from that one to 30. */
  readonly saved: readonly number[]
  readonly resumed: readonly number[]
  readonly test: Readonly<Record<string, unknown>>
  readonly output: readonly number[]
}

/** The run, as a page or a worker makes it. `OPTIONS` are those of `load`. */
const RUN = `
  const { load } = await import(location.origin + "/trainer.browser.js")
  const trainer = await load(OPTIONS)
  const losses = []
  const onEvent = (event) => { if (event.event === "report") losses.push(event.metrics.loss) }
  await trainer.train({ epochs: 20, onEvent })
  const saved = await trainer.save()
  await trainer.resume(saved, { epochs: 30, onEvent })
  const resumed = await trainer.save()
  const test = await trainer.evaluate()
  const { output } = await trainer.predict({ x: new Float32Array(60).fill(0.5) })
  trainer.close()
  const result = { device: trainer.device, losses, saved: [...saved], resumed: [...resumed], test, output: [...output.values] }
`
const inThePage = (page: Page, options: object): Promise<Run> =>
  inPage(page, `${RUN.replace("OPTIONS", JSON.stringify(options))}; return result`)

const missing = chromiumFile() === undefined ? "no Chromium here" : undefined

describe.skipIf(missing)(`in Chromium${missing ? ` (skipped: ${missing})` : ""}`, () => {
  const bundle = join(temporaryFolder(), "bundle")
  let node: Run
  let browser: Browser
  const servers = new Map<"isolated" | "plain", StaticServer>()

  beforeAll(async () => {
    expect(nnc(["compile", resolve("examples/cancer/cancer.nn"), "-o", bundle])).toMatchObject({ exit: 0 })
    // A page to start from: a browser gives files on their own no origin.
    writeFileSync(join(bundle, "index.html"), "<!doctype html><title>nnc</title>")
    node = await inNode(bundle)
    browser = await launchChromium()
    servers.set("isolated", await serveFolder(bundle, ISOLATED))
    servers.set("plain", await serveFolder(bundle))
  })
  afterAll(async () => {
    await browser?.close()
    for (const server of servers.values()) server.close()
  })

  async function open(kind: "isolated" | "plain"): Promise<Page> {
    const page = await browser.newPage()
    await page.goto(servers.get(kind)!.url)
    expect(await page.evaluate("crossOriginIsolated")).toBe(kind === "isolated")
    return page
  }

  it.each([
    { kind: "isolated", adapter: "WebAssembly SIMD, 2 threads" },
    { kind: "plain", adapter: "WebAssembly SIMD, 1 thread" },
  ] as const)(
    "a page ($kind) runs on $adapter: every number and byte as in Node",
    async ({ kind, adapter }) => {
      const page = await open(kind)
      const { device, ...rest } = await inThePage(page, { device: "wasm", threads: 2 })
      expect(device).toMatchObject({ device: "wasm", adapter })
      expect(rest).toEqual({ ...node, device: undefined })
      await page.close()
    },
  )

  it("a worker, which holds up no page, gives the same", async () => {
    const page = await open("isolated")
    const body = `${RUN.replace("OPTIONS", '{ device: "wasm", threads: 2 }')}; postMessage(result)`
    const { device, ...rest } = await inPage<Run>(
      page,
      `const url = URL.createObjectURL(new Blob([${JSON.stringify(body)}], { type: "text/javascript" }))
      const worker = new Worker(url, { type: "module" })
      return new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data)
        worker.onerror = ({ message }) => reject(new Error(message))
      })`,
    )
    expect(device["adapter"]).toBe("WebAssembly SIMD, 2 threads")
    expect(rest).toEqual({ ...node, device: undefined })
    await page.close()
  })

  it("checkpoints of a run go where the page keeps them, as the README of the bundle shows; a later visit goes on", async () => {
    const page = await open("plain")
    const [, store] = /^  store: ([^]*?^  }),$/m.exec(readFileSync(join(bundle, "README.md"), "utf8")) ?? []
    const events = await inPage(
      page,
      `const { load } = await import("/trainer.browser.js")
      const store = ${store}
      const trainer = await load({ device: "wasm" })
      const events = []
      const onEvent = ({ event, kind, path }) => { if (event === "checkpoint") events.push(kind + " " + path) }
      await trainer.train({ epochs: 20, store, onEvent })
      trainer.close()
      return events`,
    )
    expect(events).toContain("last last.safetensors")
    await page.reload()
    const [saved, resumed] = await inPage<[number[], number[]]>(
      page,
      `const { load } = await import("/trainer.browser.js")
      const folder = await navigator.storage.getDirectory()
      const file = await (await folder.getFileHandle("last.safetensors")).getFile()
      const bytes = new Uint8Array(await file.arrayBuffer())
      const trainer = await load({ device: "wasm" })
      await trainer.resume(bytes, { epochs: 30 })
      const resumed = await trainer.save()
      trainer.close()
      return [[...bytes], [...resumed]]`,
    )
    expect(saved.length).toBe(node.saved.length)
    expect(resumed).toEqual(node.resumed)
    await page.close()
  })

  it("a run that begins in Node, goes on in a page and ends in Node is one that never moved, byte for byte", async () => {
    const page = await open("plain")
    const file = join(temporaryFolder(), "moving.safetensors")
    const trainer = await loadBundle(bundle, { device: "wasm", threads: 1 })
    await trainer.train({ epochs: 10 })
    await trainer.save(file)
    const moved = await inPage<number[]>(
      page,
      `const { load } = await import("/trainer.browser.js")
      const trainer = await load({ device: "wasm" })
      await trainer.resume(new Uint8Array(${JSON.stringify([...readFileSync(file)])}), { epochs: 20 })
      const saved = await trainer.save()
      trainer.close()
      return [...saved]`,
    )
    expect(moved).toEqual(node.saved)
    writeFileSync(file, Uint8Array.from(moved))
    await trainer.train({ resume: file, epochs: 30 })
    await trainer.save(file)
    trainer.close()
    expect([...readFileSync(file)]).toEqual(node.resumed)
    await page.close()
  })

  it("webgpu agrees within rounding; auto leaves the software adapter and says so", async (test) => {
    const page = await open("plain")
    const adapter = await page.evaluate("navigator.gpu?.requestAdapter().then((found) => found !== null)")
    test.skip(adapter !== true, "this Chromium has no WebGPU adapter")
    const run = await inThePage(page, { device: "webgpu" })
    expect(run.device).toMatchObject({ device: "webgpu", adapter: "google swiftshader", software: true })
    run.losses.forEach((loss, i) => expect(loss).toBeCloseTo(node.losses[i]!, 4))
    run.output.forEach((value, i) => expect(value).toBeCloseTo(node.output[i]!, 3))
    const auto = await inPage<object>(
      page,
      `const { load } = await import("/trainer.browser.js"); const trainer = await load(); trainer.close(); return trainer.device`,
    )
    expect(auto).toMatchObject({
      device: "wasm",
      why: "the WebGPU adapter google swiftshader is software, taken only when asked for",
    })
    await page.close()
  })

  it.each([
    {
      what: "a checkpoint that is cut off",
      options: "",
      action: "trainer.restore((await trainer.save()).slice(0, 900))",
      code: "checkpoint-corrupt",
    },
    {
      what: "data that is not there",
      options: "data: new Map([['cancer', 'gone.csv']])",
      action: "await trainer.train({ epochs: 1 })",
      code: "data-file",
    },
  ])("$what is refused: $code", async ({ options, action, code }) => {
    const page = await open("plain")
    const found = await inPage(
      page,
      `const { load } = await import("/trainer.browser.js")
      const trainer = await load({ device: "wasm", ${options} })
      try { ${action} } catch (error) { return error.code } finally { trainer.close() }`,
    )
    expect(found).toBe(code)
    await page.close()
  })

  it.each([
    {
      policy: "worker-src 'none'",
      says: "device-lost: a thread did not start: the page's content security policy has to allow `worker-src blob:`",
    },
    {
      policy: "script-src 'self'",
      says: "kernel-refused: the engine refuses kernels.wasm: ",
    },
  ])("a policy of $policy is named as the reason", async ({ policy, says }) => {
    const server = await serveFolder(bundle, { ...ISOLATED, "Content-Security-Policy": policy })
    const page = await browser.newPage()
    await page.goto(server.url)
    const found = await inPage<{ said: string; help: string }>(
      page,
      `const { load } = await import("/trainer.browser.js")
      try { await load({ device: "wasm", threads: 2 }) }
      catch (error) { return { said: error.code + ": " + error.message, help: error.help } }`,
    )
    expect(found.said).toContain(says)
    expect(found.help).toMatch(/`threads: 1`|'wasm-unsafe-eval'/)
    const unasked = await inPage<string>(
      page,
      `const { load } = await import("/trainer.browser.js")
      return await load({ device: "wasm" }).then(({ device }) => device.adapter, ({ code }) => code)`,
    )
    expect(unasked).toMatch(/^WebAssembly SIMD, 1 thread: the page's .*`worker-src blob:`$|^kernel-refused$/)
    await page.close()
    server.close()
  })

  it("the page of examples/browser trains, saves a file, and goes on from it", async () => {
    const folder = temporaryFolder()
    cpSync("examples/browser", folder, { recursive: true })
    cpSync(bundle, join(folder, "bundle"), { recursive: true })
    const server = await serveFolder(folder, ISOLATED)
    const page = await browser.newPage()
    const log = page.locator("#log")
    await page.goto(server.url)
    await page.selectOption("#device", "wasm")
    await page.fill("#epochs", "20")
    await page.click("#train")
    await page.locator("#train:enabled").waitFor()
    expect(await log.textContent()).toMatch(
      /^on wasm: WebAssembly SIMD.*\nepoch 0: loss 0\.71[^]*finished at step 140\n/,
    )
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")])
    const file = join(folder, download.suggestedFilename())
    await download.saveAs(file)
    expect([...readFileSync(file)]).toEqual(node.saved)
    await page.reload()
    await page.selectOption("#device", "wasm")
    await page.fill("#epochs", "30")
    await page.setInputFiles("#checkpoint", file)
    await page.getByText("rows held back").waitFor()
    expect(await log.textContent()).toContain("finished at step 210")
    const [again] = await Promise.all([page.waitForEvent("download"), page.click("#save")])
    await again.saveAs(file)
    expect([...readFileSync(file)]).toEqual(node.resumed)
    renameSync(join(folder, "bundle/kernels.wasm"), join(folder, "gone.wasm"))
    await page.click("#train")
    await page.getByText("error: ").waitFor()
    expect(await log.textContent()).toContain("kernels.wasm cannot be read: 404")
    await page.close()
    server.close()
  })
})

async function inNode(folder: string): Promise<Run> {
  const trainer = await loadBundle(folder, { device: "wasm", threads: 1 })
  const losses: number[] = []
  const path = join(temporaryFolder(), "checkpoint.safetensors")
  const saved = async (): Promise<number[]> => {
    await trainer.save(path)
    return [...readFileSync(path)]
  }
  const onEvent = (event: TrainEvent): void => {
    if (event.event === "report") losses.push(event.metrics.loss)
  }
  await trainer.train({ epochs: 20, onEvent })
  const first = await saved()
  await trainer.train({ resume: path, epochs: 30, onEvent })
  const second = await saved()
  const test = await trainer.evaluate()
  const { output } = await trainer.predict("Classifier", { x: new Float32Array(60).fill(0.5) })
  trainer.close()
  return {
    device: {},
    losses,
    saved: first,
    resumed: second,
    test,
    output: [...(output?.values ?? [])],
  }
}
