/** bench: resident memory over a long run: `npm run bench:memory [-- webgpu|wasm [steps]]` trains W2 for 100,000 steps on each device, in
 *  a process of its own, and compares the resident memory at the end with that after 1,000 steps. Exit code 1 beyond 2 %. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { DEFAULT_TARGET, SOFTWARE_TARGET, WASM_TARGET } from "../../compiler/targets/index.js"
import { openBundle, probeNodeDevice } from "../../runtime/node.js"
import { writeData } from "./data.js"
import { measure } from "./figures.js"

const FOLDER = fileURLToPath(new URL(".", import.meta.url))
const FIRST = 1000
const EVERY = 100
const MOST_GROWTH = 0.02

const [asked, count = "100000", inside] = process.argv.slice(2)
if (inside === undefined) outer(asked === undefined ? ["webgpu", "wasm"] : [asked])
else await train(asked as "webgpu" | "wasm")

/** One process per device, so that the memory of the other does not count. */
function outer(devices: readonly string[]): void {
  writeData(`${FOLDER}data`)
  for (const device of devices) {
    const args = [...process.execArgv, "--expose-gc", fileURLToPath(import.meta.url), device, count, "inside"]
    const { status } = spawnSync(process.execPath, args, { stdio: "inherit" })
    if (status !== 0) process.exitCode = 1
  }
}

async function train(device: "webgpu" | "wasm"): Promise<void> {
  const software = device === "webgpu" && (await probeNodeDevice()).software
  const target = device === "wasm" ? WASM_TARGET : software ? SOFTWARE_TARGET : DEFAULT_TARGET
  const { bundle } = measure(`${FOLDER}w2.nn`, target)
  const trainer = await openBundle(bundle, FOLDER, { device })
  const samples: { step: number; bytes: number }[] = []
  await trainer.train({
    steps: Number(count),
    reportEvery: { unit: "steps", count: EVERY },
    onEvent: (event) => {
      if (event.event !== "report" || event.step % FIRST !== 0) return
      // Garbage is no growth.
      globalThis.gc?.()
      samples.push({ step: event.step, bytes: process.memoryUsage.rss() })
    },
  })
  trainer.close()
  const [first, last] = [samples.find((s) => s.step === FIRST)!, samples.at(-1)!]
  const growth = last.bytes / first.bytes - 1
  const MB = (bytes: number): string => (bytes / 1e6).toFixed(1)
  const most = Math.max(...samples.map((s) => s.bytes))
  console.log(
    `${device}: ${MB(first.bytes)} MB after ${first.step} steps, ${MB(last.bytes)} MB after ${last.step}: ` +
      `${(100 * growth).toFixed(2)} % more; at most ${MB(most)} MB`,
  )
  if (growth > MOST_GROWTH) process.exitCode = 1
}
