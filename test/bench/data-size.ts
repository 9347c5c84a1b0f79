/** bench: `npm run bench:data [-- --part 0.1]`: large data, by the built command line: memory while training on a large .npy, steps per
 *  second streamed beside resident, time to the first step, CSV read first and later. Each bound is shown with the measurement; NumPy, pandas
 *  and PyTorch stand beside it where a Python (`NNC_PYTHON`, else `python3`) has them, else they are counted as skipped. `--part` makes files
 *  smaller. Files lie in a temporary folder, 6 GB of them at full size, and are deleted. Exit code 1 where a bound is not met.
 *  Not here: the workloads (w3.nn, w4.nn). */
import { execFileSync, spawnSync } from "node:child_process"
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

const FOLDER = fileURLToPath(new URL(".", import.meta.url))
const ROOT = join(FOLDER, "../..")
const CLI = join(ROOT, "dist/compiler/cli/main.js")
const { values: options } = parseArgs({ options: { part: { type: "string", default: "1" } } })
const part = Number(options.part)
if (!(part > 0 && part <= 1)) throw new Error("--part is more than 0, and 1 at the most")

const WIDTH = 784
const GB = 1e9
const folder = mkdtempSync(join(tmpdir(), "nnc-bench-data-"))
let unmet = 0
let skipped = 0
/** A .npy of 4 GB, beside the same program on 1,000 rows. */
function memory(): void {
  const rows = Math.floor((part * 4 * GB) / (4 * WIDTH))
  const [large, small] = [rows, 1000].map((count) => {
    writeRows("w3", count)
    return train("w3", ["--steps", "500", "--device", "wasm"]).rss
  })
  show(
    `memory of ${gb(4 * WIDTH * rows)} .npy, above that of 1,000 rows`,
    mb(large! - small!),
    large! - small! <= 300e6,
    "300 MB",
  )
  remove("w3-x.npy")
}

/** Streamed beside resident, in turns; the file is in the page cache. */
function rates(): void {
  for (const [workload, steps] of [
    ["w3", 4000],
    ["w4", 300],
  ] as const) {
    writeRows(workload, Math.floor((part * 0.5 * GB) / (4 * WIDTH)))
    const found: Record<string, number[]> = { resident: [], streamed: [] }
    for (let round = 0; round < 3; round++)
      for (const placement of ["resident", "streamed"]) {
        const args = ["--steps", String(steps), "--device", "wasm", "--placement", placement]
        found[placement]!.push(train(workload, args).rate)
      }
    const [resident, streamed] = [median(found["resident"]!), median(found["streamed"]!)]
    const torch = python("torch", LOADER, [
      join(folder, `data/${workload}-x.npy`),
      workload === "w3" ? "64" : "256",
    ])
    show(
      `${workload.toUpperCase()} steps/s streamed; resident ${resident.toFixed(1)}`,
      `${streamed.toFixed(1)}, ${((100 * streamed) / resident).toFixed(0)} %`,
      streamed >= 0.8 * resident,
      "80 %",
      `PyTorch's DataLoader alone ${torch ?? "-"} batches/s`,
    )
    remove(`${workload}-x.npy`)
  }
}

/** From the command to the end of one step. */
function start(): void {
  const rows = Math.floor((part * GB) / WIDTH)
  for (const kind of ["npy", "idx"] as const) {
    const head = kind === "npy" ? npyHead("|u1", [rows, WIDTH]) : idxHead([rows, 28, 28])
    fill(join(folder, `data/start-x.${kind}`), head, rows * WIDTH)
    const shape = kind === "npy" ? `${WIDTH}` : "28, 28"
    const labels = kind === "npy" ? npyHead("|u1", [rows]) : idxHead([rows])
    writeFileSync(join(folder, `data/start-y.${kind}`), Buffer.concat([labels, Buffer.alloc(rows)]))
    writeFileSync(
      join(folder, "start.nn"),
      `data d = ${kind}(a: "data/start-x.${kind}", b: "data/start-y.${kind}") {
  x: f32[${shape}] = column("a") |> scale(1 / 255)
  y: i32 = column("b") |> classes(10)
}
model M(x: f32[B, ${shape}]) -> f32[B, 10] { x |> Flatten() |> Linear(10) }
train on d {
  minimize cross_entropy(M(x), y) with SGD(lr: 0.1)
  batch 64, shuffle, steps 1, seed 1
}
`,
    )
    const { seconds, cpu } = train("start", ["--device", "wasm"])
    const numpy = kind === "npy" ? python("numpy", NUMPY, [join(folder, "data/start-x.npy")]) : undefined
    show(
      `start with ${gb(rows * WIDTH)} of .${kind}, one step included`,
      `${seconds.toFixed(2)} s (${cpu.toFixed(2)} s of CPU)`,
      seconds < 2,
      "2 s",
      kind === "npy" ? `numpy.load and a batch ${numpy ?? "-"} s` : "",
    )
    remove(`start-x.${kind}`)
  }
}

/** 10^6 rows of 50 columns. */
function csv(): void {
  const rows = Math.floor(part * 1e6)
  const path = join(folder, "data/table.csv")
  const file = openSync(path, "w")
  const names = Array.from({ length: 50 }, (_, i) => `c${i}`)
  writeSync(file, `${names.join(",")}\n`)
  const block = Array.from({ length: 1000 }, (_, i) =>
    names.map((_, j) => Math.sin(i * 50 + j).toFixed(5)).join(","),
  ).join("\n")
  for (let row = 0; row < rows; row += 1000) writeSync(file, `${block}\n`)
  closeSync(file)
  writeFileSync(
    join(folder, "table.nn"),
    `data d = csv("data/table.csv") {
  x: f32[49] = columns(except: "c49")
  y: f32[1] = column("c49")
}
model M(x: f32[B, 49]) -> f32[B, 1] { x |> Linear(1) }
train on d {
  minimize mse(M(x), y) with SGD(lr: 0.01)
  batch 64, steps 1
}
`,
  )
  const pandas = python("pandas", PANDAS, [path])
  const first = train("table", ["--device", "wasm"])
  const cpu = `${first.cpu.toFixed(1)} s of CPU`
  show(`CSV of ${rows} x 50, first`, cpu, first.cpu <= 10, "10 s", `pandas.read_csv ${pandas ?? "-"} s`)
  show("  its memory", mb(first.rss), first.rss <= 700e6, "700 MB")
  const later = train("table", ["--device", "wasm"])
  show("  later, the whole command", `${later.seconds.toFixed(2)} s`, later.seconds <= 1, "1 s")
}

interface Run {
  readonly rss: number
  readonly cpu: number
  readonly seconds: number
  readonly rate: number
}

/** Runs the command line, and measures the process. */
function train(name: string, args: readonly string[]): Run {
  const program = join(folder, `${name}.nn`)
  const source = join(FOLDER, `${name}.nn`)
  if (name.startsWith("w"))
    writeFileSync(program, readFileSync(source, "utf8").replace("batch", "shuffle, batch"))
  const usage = join(folder, "usage.json")
  const hook = `import { writeFileSync } from "node:fs"
process.on("exit", () => writeFileSync(${JSON.stringify(usage)}, JSON.stringify(process.resourceUsage())))`
  const node = ["--import", `data:text/javascript,${encodeURIComponent(hook)}`, CLI, "train", program]
  const began = performance.now()
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...node, ...args, "--json", "--out", join(folder, "run"), "--overwrite"],
    { cwd: folder, encoding: "utf8", env: { ...process.env, XDG_CACHE_HOME: join(folder, "cache") } },
  )
  const seconds = (performance.now() - began) / 1000
  if (status !== 0) throw new Error(`nnc train ${name} failed: ${stderr}`)
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(readFileSync(usage, "utf8"))
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const end = events.find(({ event }) => event === "end")
  return {
    rss: maxRSS * 1024,
    cpu: (userCPUTime + systemCPUTime) / 1e6,
    seconds,
    rate: Number(end?.["steps_per_second"]),
  }
}

function writeRows(workload: string, rows: number): void {
  fill(join(folder, `data/${workload}-x.npy`), npyHead("<f4", [rows, WIDTH]), rows * WIDTH * 4)
  const labels = Int32Array.from({ length: rows }, (_, i) => i % 10)
  const bytes = new Uint8Array(labels.buffer)
  writeFileSync(join(folder, `data/${workload}-y.npy`), Buffer.concat([npyHead("<i4", [rows]), bytes]))
}

/** Finite floats, and bytes of all values, over and over. */
function fill(path: string, head: Uint8Array, bytes: number): void {
  const block = new Uint8Array(Float32Array.from({ length: 1 << 20 }, (_, i) => Math.sin(i * i * 0.7)).buffer)
  const file = openSync(path, "w")
  writeSync(file, head)
  for (let done = 0; done < bytes; done += block.length)
    writeSync(file, block, 0, Math.min(block.length, bytes - done))
  closeSync(file)
}

function npyHead(descr: string, shape: readonly number[]): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`.padEnd(
    117,
  )
  return Uint8Array.of(0x93, ...Buffer.from("NUMPY"), 1, 0, 118, 0, ...Buffer.from(`${header}\n`))
}

function idxHead(shape: readonly number[]): Uint8Array {
  const head = Buffer.alloc(4 + 4 * shape.length)
  head.set([0, 0, 8, shape.length])
  shape.forEach((size, axis) => head.writeUInt32BE(size, 4 + 4 * axis))
  return head
}

const remove = (name: string): void => rmSync(join(folder, "data", name))

/** The output of a script; undefined where Python has no such package. */
function python(needs: string, script: string, args: readonly string[]): string | undefined {
  const command = process.env["NNC_PYTHON"] ?? "python3"
  if (spawnSync(command, ["-c", `import ${needs}`]).status !== 0) {
    skipped++
    return undefined
  }
  return execFileSync(command, ["-c", script, ...args], { encoding: "utf8" }).trim()
}

const NUMPY = `import sys, time
began = time.time()
import numpy as np
x = np.load(sys.argv[1])
(x[np.random.permutation(len(x))[:64]].astype("float32") / 255).sum()
print(round(time.time() - began, 2))`
const PANDAS = `import sys, time
import pandas as pd
began = time.time()
pd.read_csv(sys.argv[1])
print(round(time.time() - began, 2))`
const LOADER = `import sys, time
import numpy as np, torch
x = np.load(sys.argv[1], mmap_mode="r")
class Rows(torch.utils.data.Dataset):
    def __len__(self): return len(x)
    def __getitem__(self, i): return torch.from_numpy(np.array(x[i]))
loader = torch.utils.data.DataLoader(Rows(), batch_size=int(sys.argv[2]), shuffle=True)
began, count = time.time(), 0
for batch in loader:
    count += 1
    if time.time() - began > 3: break
print(round(count / (time.time() - began), 1))`

function show(what: string, found: string, isMet: boolean, bound: string, beside = ""): void {
  if (!isMet) unmet++
  console.log(
    `${what}: ${found} (${isMet ? "within" : "BEYOND"} ${bound})${beside === "" ? "" : `; ${beside}`}`,
  )
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
const gb = (bytes: number): string => `${(bytes / GB).toFixed(1)} GB`
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`

try {
  execFileSync("npm", ["run", "--silent", "build"], { cwd: ROOT, stdio: "inherit" })
  mkdirSync(join(folder, "data"))
  memory()
  rates()
  start()
  csv()
  console.log(`\n${unmet} bounds not met, ${skipped} columns skipped: no Python with that package`)
  if (unmet > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
