/** bench: `npm run bench -- [--device webgpu|wasm] [--peers DIR] [--only W3,W4] [--seconds N] [--rounds N]`.
 *  Trains the workloads with nnc and with the peers in turn, on one device or on each there is; prints a line of JSON per runner
 *  and workload, then a table of medians with spread and ratios; writes everything measured to results/. A peer that fails is
 *  shown as failed.
 *  Not here:   one measurement of nnc (nnc.ts), the peers (peers.ts), the table (table.ts). */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { cpus, loadavg, totalmem } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Workload, writeData } from "./data.js"
import { summaryOf } from "./median.js"
import { BadOption, type BenchOptions, type DeviceName, optionsFrom } from "./options.js"
import { measurementOf, nnc, peersIn, type Runner, type Sample } from "./peers.js"
import { printCosts, printTable } from "./table.js"

const FOLDER = fileURLToPath(new URL(".", import.meta.url))
const ROOT = join(FOLDER, "../..")

try {
  const options = optionsFrom(process.argv.slice(2))
  execFileSync("npm", ["run", "--silent", "build"], { cwd: ROOT, stdio: "inherit" })
  writeData(join(FOLDER, "data"))
  mkdirSync(join(FOLDER, "results"), { recursive: true })
  for (const device of options.devices)
    if (device === "wasm" || hasAdapter()) await benchmark(device, options)
} catch (error) {
  if (!(error instanceof BadOption)) throw error
  console.error(`bench: ${error.message}`)
  process.exitCode = 2
}

async function benchmark(device: DeviceName, { peers, only, seconds, rounds }: BenchOptions): Promise<void> {
  const runners = [nnc(device), ...(peers === undefined ? [] : peersIn(peers, device))]
  const load = loadavg()[0]
  const samples: Sample[] = []
  for (const workload of only) {
    for (let round = 0; round < rounds; round++)
      for (const runner of runners) samples.push(await noted(runner, workload, seconds))
    for (const summary of summaryOf(samples, workload)) console.log(JSON.stringify(summary))
  }
  console.log()
  printTable(samples, only)
  console.log()
  printCosts(samples, only)
  const time = new Date().toISOString()
  const out = join(FOLDER, "results", `${device}-${time.replace(/[:.]/g, "-")}.json`)
  const found = samples.find((s) => s.device !== undefined)?.device
  const all = { date: time, device: found, ...environment(), load, seconds, rounds, samples }
  writeFileSync(out, `${JSON.stringify(all, null, 1)}\n`)
  console.log(`\nwritten to ${out}\n`)
}

async function noted(runner: Runner, workload: Workload, seconds: number): Promise<Sample> {
  const sample = await measurementOf(runner, workload, seconds)
  console.error(`${workload} ${runner.name}: ${sample.error ?? `${sample.steps_per_s} steps/s`}`)
  return sample
}

/** Installs a software adapter where it can; without one, the other device is measured. */
function hasAdapter(): boolean {
  const { status } = spawnSync("npm", ["run", "--silent", "adapter"], { cwd: ROOT, stdio: "inherit" })
  if (status !== 0) process.exitCode = 3
  return status === 0
}

function environment(): Record<string, unknown> {
  const version = (path: string): string => JSON.parse(readFileSync(path, "utf8")).version
  const git = (...args: string[]): string => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim()
  return {
    commit: git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "-uno") === "" ? "" : "+"),
    node: process.version,
    webgpu: version(join(ROOT, "node_modules/webgpu/package.json")),
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
  }
}
