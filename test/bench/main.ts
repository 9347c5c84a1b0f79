/** bench: `npm run bench -- [--device webgpu] [--peers DIR] [--only W3,W4] [--seconds N] [--rounds N]`.
 *  Trains the workloads with nnc and with the peers in turn, prints a table of medians with spread and ratios, and writes
 *  everything measured to results/. A peer that fails is shown as failed.
 *  Not here:   one measurement of nnc (nnc.ts), the peers (peers.ts), the table (table.ts). */
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { cpus, totalmem } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { type Workload, WORKLOADS, writeData } from "./data.js"
import { measurementOf, NNC, peersIn, type Runner, type Sample } from "./peers.js"
import { printTable } from "./table.js"

const FOLDER = fileURLToPath(new URL(".", import.meta.url))

const { values } = parseArgs({
  options: {
    device: { type: "string", default: "webgpu" },
    peers: { type: "string" },
    only: { type: "string" },
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
  },
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const only = values.only === undefined ? WORKLOADS : values.only.split(",").map(workload)
if (values.device !== "webgpu") throw new Error(`nnc runs on webgpu, not on ${values.device}`)
if (!(seconds > 0) || !(rounds >= 1)) throw new Error("--seconds and --rounds are positive numbers")

writeData(join(FOLDER, "data"))
const runners: Runner[] = [NNC, ...(values.peers === undefined ? [] : peersIn(values.peers, values.device))]
const samples: Sample[] = []
for (const name of only) {
  for (let round = 0; round < rounds; round++) {
    for (const runner of runners) {
      const sample = await measurementOf(runner, name, seconds)
      samples.push(sample)
      const rate = sample.error === undefined ? `${sample.steps_per_s} steps/s` : `failed: ${sample.error}`
      console.error(`${name} ${runner.name}: ${rate}`)
    }
  }
}

printTable(samples, only)
const out = join(FOLDER, "results", `${new Date().toISOString().replace(/[:.]/g, "-")}.json`)
mkdirSync(join(FOLDER, "results"), { recursive: true })
writeFileSync(out, `${JSON.stringify({ ...environment(), seconds, rounds, samples }, null, 1)}\n`)
console.log(`\nwritten to ${out}`)

function workload(name: string): Workload {
  const found = WORKLOADS.find((each) => each === name.toUpperCase())
  if (found === undefined) throw new Error(`--only takes ${WORKLOADS.join(", ")}, not ${name}`)
  return found
}

function environment(): Record<string, unknown> {
  const version = (path: string): string => JSON.parse(readFileSync(path, "utf8")).version
  return {
    date: new Date().toISOString(),
    commit: execFileSync("git", ["-C", FOLDER, "rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
    node: process.version,
    webgpu: version(join(FOLDER, "../../node_modules/webgpu/package.json")),
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    device: samples.find((s) => s.device !== undefined)?.device,
  }
}
