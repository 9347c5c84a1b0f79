/** bench: the runners: nnc, and the peers of a folder. One measurement of a runner is a process of its own that prints a line of
 *  JSON with at least `peer`, `workload` and `steps_per_s` or `error`. */
import { execFile, execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import type { Workload } from "./data.js"
import { BadOption, type DeviceName } from "./options.js"

export interface Sample {
  readonly peer: string
  readonly workload: Workload
  readonly steps_per_s?: number
  readonly first_step_ms?: number
  readonly dispatches?: number
  readonly error?: string
  readonly device?: unknown
  /** Whatever else the runner measured. */
  readonly [figure: string]: unknown
}
export interface Runner {
  readonly name: string
  readonly folder: string
  readonly command: (workload: Workload, seconds: number) => readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Why it cannot run here. */
  readonly missing?: string
}

export const nnc = (device: DeviceName): Runner => ({
  name: `nnc-${device}`,
  folder: fileURLToPath(new URL("../..", import.meta.url)),
  // prettier-ignore
  command: (workload, seconds) =>
    [process.execPath, "--import", "tsx", "test/bench/nnc.ts", device, workload, String(seconds)],
})

/** Every `*_peer.mjs` of a folder; for a processor also its `*_peer.py`. Packages are installed into a copy of a folder that lacks
 *  them. */
export function peersIn(folder: string, device: DeviceName): Runner[] {
  const source = resolve(folder)
  if (!existsSync(source)) throw new BadOption(`--peers: there is no folder ${source}`)
  const names = readdirSync(source)
  const scripts = names.filter((name) => name.endsWith("_peer.mjs"))
  const python = device === "wasm" ? names.filter((name) => name.endsWith("_peer.py")) : []
  if (scripts.length + python.length === 0)
    throw new BadOption(`--peers: there is no *_peer.mjs or *_peer.py in ${source}`)
  const home = existsSync(join(source, "node_modules")) ? source : installed(source)
  return [
    ...scripts.map((name) => ({
      name: `${name.replace(/_peer\.mjs$/, "")}-${device}`,
      folder: home,
      command: (workload: Workload) => [process.execPath, name, device, workload],
    })),
    ...python.flatMap((name) => PYTHON_THREADS.map((threads) => pythonPeer(home, name, threads))),
  ]
}

/** `NNC_BENCH_PYTHON` names another interpreter, such as that of a virtual environment with PyTorch. */
const PYTHON = process.env["NNC_BENCH_PYTHON"] ?? "python3"

/** One thread is often the faster choice for small networks, two for large ones. */
const PYTHON_THREADS = ["1", "2"]

function pythonPeer(folder: string, name: string, threads: string): Runner {
  const library = name.replace(/_peer\.py$/, "")
  const { status } = spawnSync(PYTHON, ["-c", `import ${library}`])
  return {
    name: `${library}-cpu-t${threads}`,
    folder,
    command: (workload) => [PYTHON, name, workload],
    env: { THREADS: threads },
    ...(status === 0 ? {} : { missing: `not available: ${PYTHON} has no package ${library}` }),
  }
}

function installed(source: string): string {
  const copy = mkdtempSync(join(tmpdir(), "nnc-peers-"))
  cpSync(source, copy, { recursive: true })
  const how = existsSync(join(copy, "package-lock.json")) ? "ci" : "install"
  execFileSync("npm", [how, "--no-audit", "--no-fund", "--loglevel=error"], { cwd: copy, stdio: "inherit" })
  return copy
}

const LONGEST_MS = 10 * 60 * 1000

export function measurementOf(runner: Runner, workload: Workload, seconds: number): Promise<Sample> {
  const { name, folder, missing } = runner
  if (missing !== undefined) return Promise.resolve({ peer: name, workload, error: missing })
  const env = { ...process.env, ...runner.env, SECS: String(seconds) }
  const [file, ...args] = runner.command(workload, seconds)
  return new Promise((done) => {
    execFile(
      file!,
      args,
      { cwd: folder, env, timeout: LONGEST_MS, maxBuffer: 1 << 26 },
      (error, out, err) => {
        const line = out.split("\n").find((each) => each.startsWith("{"))
        if (line !== undefined) return done({ ...(JSON.parse(line) as Sample), peer: name })
        const reason = error?.killed ? "took longer than ten minutes" : lastLine(err)
        done({ peer: name, workload, error: reason })
      },
    )
  })
}

const lastLine = (text: string): string =>
  text
    .split("\n")
    .filter((line) => /error/i.test(line))
    .at(-1) ?? "printed nothing"
