/** bench: trains one workload with nnc and prints the measurements as one line of JSON, as the peers do.
 *  `tsx test/bench/nnc.ts webgpu|wasm W3 [seconds]`. The first step is measured in a process of its own, with the built library. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { writeBundle } from "../../compiler/cli/write-bundle.js"
import {
  DEFAULT_TARGET,
  SOFTWARE_TARGET,
  type TargetProfile,
  WASM_TARGET,
} from "../../compiler/targets/index.js"
import type { Bundle } from "../../runtime/bundle/format.js"
import { openBundle, probeNodeDevice, type Trainer } from "../../runtime/node.js"
import { measure } from "./figures.js"

const FOLDER = fileURLToPath(new URL(".", import.meta.url))
const [device, workload = "W1", seconds = "3"] = process.argv.slice(2)
if (device !== "webgpu" && device !== "wasm") throw new Error(`the device is webgpu or wasm, not ${device}`)

/** The loss is read every 100 steps, or as often as 0.4 s ask for: the rule of the peers. */
const CHUNK = 100
const CHUNK_MS = 400
const WARM_MS = 1000
const WINDOWS = 5

const firstStep = JSON.parse(
  execFileSync(process.execPath, [join(FOLDER, "first-step.mjs"), device, workload], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }),
) as object
const target = device === "wasm" ? WASM_TARGET : await targetOfAdapter()
const path = `${FOLDER}${workload.toLowerCase()}.nn`
const { bundle, figures } = measure(path, target)
const trainer = await openBundle(bundle, FOLDER, { device })
const firstLoss = await trainFor(trainer, 1)
const chunk = Math.max(1, Math.min(CHUNK, Math.floor(CHUNK_MS / (await oneStep(trainer)))))
const { rates, loss, steps } = await ratesOf(trainer, Number(seconds) * 1000)
const info = trainer.device
trainer.close()

console.log(
  JSON.stringify({
    peer: `nnc-${device}`,
    workload,
    steps_per_s: median(rates),
    rates,
    ...firstStep,
    first_loss: firstLoss,
    final_loss: loss,
    steps,
    sync_every: chunk,
    ...figures,
    bundle_bytes: await bundleBytes(bundle),
    device: info,
  }),
)

async function targetOfAdapter(): Promise<TargetProfile> {
  const { software } = await probeNodeDevice()
  return software ? SOFTWARE_TARGET : DEFAULT_TARGET
}

/** The bytes of everything that `nnc compile` writes, the runtime for Node and for pages included, data aside. */
async function bundleBytes(bundle: Bundle): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "nnc-bench-"))
  try {
    await writeBundle(bundle, join(folder, "bundle"), FOLDER)
    const files = readdirSync(join(folder, "bundle"), { recursive: true, encoding: "utf8" })
    return files
      .filter((name) => !name.startsWith("data"))
      .map((name) => statSync(join(folder, "bundle", name)))
      .reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The loss before the last of `steps` steps. */
async function trainFor(trainer: Trainer, steps: number): Promise<number> {
  let loss = NaN
  await trainer.train({
    steps,
    onEvent: (event) => void (loss = event.event === "report" ? event.metrics.loss : loss),
  })
  return loss
}

/** Milliseconds of a step, from the last few of a short run. */
async function oneStep(trainer: Trainer): Promise<number> {
  const stop = new AbortController()
  const times: number[] = []
  await trainer.train({
    steps: 1000,
    reportEvery: { unit: "steps", count: 4 },
    signal: stop.signal,
    onEvent: (event) => {
      if (event.event !== "report") return
      times.push(performance.now())
      if (times.length > 10 || times.at(-1)! - times[0]! > 1000) stop.abort()
    },
  })
  const [before, last] = times.slice(-2)
  return (last! - before!) / 4
}

/** One long run with a report every `chunk` steps, cut into windows after warming up. */
async function ratesOf(
  trainer: Trainer,
  ms: number,
): Promise<{ rates: number[]; loss: number; steps: number }> {
  const stop = new AbortController()
  const began = performance.now()
  const rates: number[] = []
  let loss = NaN
  let steps = 0
  let from: { step: number; at: number } | undefined
  await trainer.train({
    steps: 100_000_000,
    reportEvery: { unit: "steps", count: chunk },
    signal: stop.signal,
    onEvent: (event) => {
      if (event.event !== "report") return
      const at = performance.now()
      loss = event.metrics.loss
      steps = event.step
      if (from === undefined) {
        if (at - began > WARM_MS && event.step > 0) from = { step: event.step, at }
        return
      }
      if (at - from.at < ms / WINDOWS) return
      rates.push(round((event.step - from.step) / ((at - from.at) / 1000)))
      from = { step: event.step, at }
      if (rates.length === WINDOWS) stop.abort()
    },
  })
  return { rates, loss, steps }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}
function round(x: number): number {
  return Math.round(x * 100) / 100
}
