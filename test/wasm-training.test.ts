/** The WebAssembly device over whole runs: the same bits with one thread and with two, the same course as on WebGPU, runs that move
 *  between the devices, and threads that die in the middle of one. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Worker } from "node:worker_threads"
import { afterAll, describe, expect, it } from "vitest"
import { compileFile } from "../compiler/cli/compile-file.js"
import type { Bundle } from "../runtime/bundle/format.js"
import { CONTROL } from "../runtime/bundle/wasm.js"
import type { StartThread } from "../runtime/device/wasm/thread-pool.js"
import { loadCheckpoint, nodeHost, placesBelow, openBundle, type TrainEvent } from "../runtime/node.js"
import { Session } from "../runtime/session.js"
import { writeData } from "./bench/data.js"

const folder = mkdtempSync(join(tmpdir(), "nnc-training-"))
afterAll(() => rmSync(folder, { recursive: true }))
writeData(join(folder, "data"))

function benchmark(name: string): Bundle {
  const path = join(folder, `${name}.nn`)
  copyFileSync(`test/bench/${name}.nn`, path)
  return compileFile(path).bundle!
}

type Numbers = ReadonlyMap<string, readonly number[]>

/** Parameters and reported losses after training up to step `steps`. */
async function course(
  bundle: Bundle,
  data: string,
  steps: number,
  options: { device: "webgpu" | "wasm"; threads?: number; resume?: string; save?: string },
): Promise<{ losses: number[]; parameters: Numbers }> {
  const { resume, save, ...open } = options
  const trainer = await openBundle(bundle, data, open)
  const losses: number[] = []
  try {
    await trainer.train({
      steps,
      ...(resume !== undefined && { resume }),
      reportEvery: { unit: "steps", count: Math.ceil(steps / 10) },
      onEvent: (e: TrainEvent) => void (e.event === "report" && losses.push(e.metrics.loss)),
    })
    if (save !== undefined) await trainer.save(save)
    const tensors = await trainer.parameters()
    const parameters = new Map([...tensors].map(([name, { values }]) => [name, Array.from(values, Number)]))
    return { losses, parameters }
  } finally {
    trainer.close()
  }
}

describe("200 steps with one thread and with two have the same bits", () => {
  it.each(["w3", "w5"])("%s", async (name) => {
    const bundle = benchmark(name)
    const one = await course(bundle, folder, 200, { device: "wasm", threads: 1 })
    const two = await course(bundle, folder, 200, { device: "wasm", threads: 2 })
    expect(one.losses.at(-1)).toBeLessThan(one.losses[0]!)
    expect(two).toEqual(one)
  })
})

/** The largest distance of two runs' parameters, beside the largest parameter. */
function distance(a: Numbers, b: Numbers): number {
  let [most, size] = [0, 0]
  for (const [name, values] of a) {
    values.forEach((value, i) => {
      most = Math.max(most, Math.abs(value - b.get(name)![i]!))
      size = Math.max(size, Math.abs(value))
    })
  }
  return most / size
}

describe("both devices", () => {
  const EXAMPLES = ["xor", "cancer", "boston", "six-points"]
  it.each(EXAMPLES)("%s takes the same course", async (name) => {
    const path = `examples/${name}/${name}.nn`
    const bundle = compileFile(path).bundle!
    const [wasm, webgpu] = [
      await course(bundle, dirname(path), 40, { device: "wasm" }),
      await course(bundle, dirname(path), 40, { device: "webgpu" }),
    ]
    expect(wasm.losses.length).toBeGreaterThan(0)
    wasm.losses.forEach((loss, i) => expect(loss / webgpu.losses[i]!).toBeCloseTo(1, 4))
    expect(distance(wasm.parameters, webgpu.parameters)).toBeLessThan(1e-4)
  })

  it.each([
    { from: "webgpu", to: "wasm" },
    { from: "wasm", to: "webgpu" },
  ] as const)("a run begun on $from goes on on $to", async ({ from, to }) => {
    const path = "examples/cancer/cancer.nn"
    const bundle = compileFile(path).bundle!
    const half = join(folder, `${from}.safetensors`)
    await course(bundle, dirname(path), 30, { device: from, save: half })
    const moved = await course(bundle, dirname(path), 60, { device: to, resume: half })
    const whole = await course(bundle, dirname(path), 60, { device: from })
    expect(distance(moved.parameters, whole.parameters)).toBeLessThan(1e-4)
  })
})

/** A thread that never helps, and after some divided commands does `instead`. */
const failing =
  (instead: string): StartThread =>
  (task, onDeath) => {
    const body = `
      const { parentPort, workerData: { memory } } = require("node:worker_threads")
      const words = new Int32Array(memory.buffer)
      parentPort.postMessage("ready")
      const command = ${CONTROL.command / 4}
      for (let seen = 0; seen < 50; seen = Atomics.load(words, command)) Atomics.wait(words, command, seen, 5)
      ${instead}`
    const worker = new Worker(body, { eval: true, workerData: task, stderr: true })
    worker.on("error", (error) => onDeath(error.message))
    worker.on("exit", () => onDeath("it ended"))
    const ready = new Promise<void>((resolve) => void worker.once("message", () => resolve()))
    return { ready, end: () => void worker.terminate() }
  }

describe("a thread that dies during a run", () => {
  it.each([
    { how: "traps", instead: `throw new Error("unreachable")`, reason: "unreachable" },
    { how: "ends", instead: "process.exit(1)", reason: "it ended" },
  ])("and $how stops it by name, and the last checkpoint is kept", async ({ instead, reason }) => {
    const bundle = benchmark("w3")
    const host = nodeHost(placesBelow(folder))
    const threads = { start: failing(instead), most: 2, mayBlock: true }
    const session = await Session.open(bundle, { ...host, threads }, { device: "wasm", threads: 2 })
    const last = join(folder, `${reason}.safetensors`)
    const store = {
      save: (_kind: string, bytes: Uint8Array) => {
        writeFileSync(last, bytes)
        return Promise.resolve(last)
      },
    }
    const training = session.train({ steps: 100_000, checkpointEvery: { unit: "steps", count: 1 }, store })
    await expect(training).rejects.toMatchObject({
      code: "device-lost",
      message: expect.stringContaining(reason),
      help: "`--resume` continues from the last checkpoint",
    })
    session.close()
    const step = (await loadCheckpoint(last, bundle.manifest)).position!.step
    expect(step).toBeGreaterThan(0)
    const resumed = await course(bundle, folder, step + 10, { device: "wasm", threads: 1, resume: last })
    const whole = await course(bundle, folder, step + 10, { device: "wasm", threads: 1 })
    expect(resumed.parameters).toEqual(whole.parameters)
  })
})
