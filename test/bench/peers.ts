/** bench: one measurement of one runner on one workload, in a process of its own.
 *  A runner prints a line of JSON with at least `peer`, `workload` and `steps_per_s` or `error`. */
import { execFile, execFileSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import type { Workload } from "./data.js"

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
  readonly command: (workload: Workload) => readonly string[]
}

export const NNC: Runner = {
  name: "nnc-webgpu",
  folder: fileURLToPath(new URL("../..", import.meta.url)),
  command: (workload) => ["--import", "tsx", "test/bench/nnc.ts", workload],
}

/** Every `*_peer.mjs` of a folder, from a copy with its packages installed where the folder lacks them. */
export function peersIn(folder: string, device: string): Runner[] {
  const source = resolve(folder)
  const names = readdirSync(source).filter((name) => name.endsWith("_peer.mjs"))
  if (names.length === 0) throw new Error(`there are no peers (*_peer.mjs) in ${source}`)
  const home = existsSync(join(source, "node_modules")) ? source : installed(source)
  return names.map((name) => ({
    name: `${name.replace(/_peer\.mjs$/, "")}-${device}`,
    folder: home,
    command: (workload) => [name, device, workload],
  }))
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
  const { name, folder, command } = runner
  const env = { ...process.env, SECS: String(seconds) }
  const args = [...command(workload), ...(runner === NNC ? [String(seconds)] : [])]
  return new Promise((done) => {
    execFile(
      process.execPath,
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
