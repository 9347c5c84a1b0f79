// `npm test`: adapter, typecheck, lint, format, then every test. All of them run even when an earlier one fails, and
// the last line reads `N passed, N failed` (each check counts as one). Arguments go to vitest: `npm test -- ops`.
// An adapter and a browser are installed where that is possible. Where none may be installed, the tests that need one count as
// skipped, and the output says how to get one.

import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { otherNodeVersions, type NodeVersion } from "../test/support/node-versions.js"
import { NO_ADAPTER, NONE_TO_BE_HAD } from "./adapter-outcome.js"

/** The report of vitest's JSON reporter, as far as it is read here. */
interface VitestReport {
  readonly success: boolean
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly TestResult[]
  }[]
}

interface TestResult {
  readonly status: string
  readonly fullName: string
  readonly meta: { readonly skipped?: string }
}

interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

const CHECKS: readonly (readonly [title: string, command: readonly string[]])[] = [
  ["typecheck", ["npm", "run", "-s", "typecheck"]],
  ["lint", ["npm", "run", "-s", "lint"]],
  ["unused code", ["npm", "run", "-s", "unused"]],
  ["format", ["npm", "run", "-s", "format:check"]],
]

// Each check uses one core, so they run side by side.
const checks = [adapter(), ...(await Promise.all(CHECKS.map(([title, command]) => check(title, command))))]
run(["tsx", "scripts/ensure-chromium.ts"])
const chosen = process.argv.slice(2)
const tests = vitest(chosen)
const total = sum([...checks, tests, ...(chosen.length === 0 ? otherNodeVersions().map(quickTests) : [])])
if (total.skipped > 0) console.log(`${total.skipped} skipped`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed > 0 ? 1 : 0

/** Prints the output of the command once it has ended. */
async function check(title: string, [name = "", ...args]: readonly string[]): Promise<Tally> {
  const child = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"], shell: process.platform === "win32" })
  let said = ""
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => (said += String(text)))
  const [status]: unknown[] = await once(child, "close")
  process.stdout.write(said)
  return tally(title, status === 0 ? "ok" : "failed")
}

/** Tests that ask for an adapter skip themselves where none can be had (`test/support/adapter-runner.ts`). */
function adapter(): Tally {
  const status = run(["tsx", "scripts/ensure-adapter.ts"])
  if (status === NONE_TO_BE_HAD) process.env[NO_ADAPTER] = "1"
  return tally("adapter", status === 0 ? "ok" : status === NONE_TO_BE_HAD ? "skipped" : "failed")
}

function tally(title: string, outcome: "ok" | "failed" | "skipped"): Tally {
  console.log(`${title}: ${outcome}`)
  const count = (which: typeof outcome) => (outcome === which ? 1 : 0)
  return { passed: count("ok"), failed: count("failed"), skipped: count("skipped") }
}

function vitest(args: readonly string[]): Tally {
  const folder = mkdtempSync(join(tmpdir(), "nnc-test-"))
  const file = join(folder, "report.json")
  const status = run([
    "vitest",
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
    ...args,
  ])
  const report = readReport(file)
  rmSync(folder, { recursive: true })
  if (!report) return { passed: 0, failed: 1, skipped: 0 }
  printSkipped(report)
  const filesThatDidNotLoad = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  ).length
  const failed = report.numFailedTests + filesThatDidNotLoad
  return {
    passed: report.numPassedTests,
    failed: status !== 0 && failed === 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/** The quick tests once more, on another version of Node; they count as one check. */
function quickTests({ major, program }: NodeVersion): Tally {
  const title = `quick tests on Node ${major}`
  if (program === undefined) return tally(title, "skipped")
  const status = run([program, "node_modules/vitest/vitest.mjs", "run", "--project=quick", "--reporter=dot"])
  return tally(title, status === 0 ? "ok" : "failed")
}

/** Tests that cannot run here have the reason in their name, `(skipped: no Chromium here)`, or noted beside their result. */
function printSkipped({ testResults }: VitestReport): void {
  const reasons = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .flatMap(({ fullName, meta }) => meta.skipped ?? /\(skipped: ([^)]*)\)/.exec(fullName)?.[1] ?? [])
  for (const reason of new Set(reasons))
    console.log(`skipped: ${reason} (${reasons.filter((each) => each === reason).length})`)
}

function readReport(file: string): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as VitestReport
  } catch {
    return undefined
  }
}

/** npm puts node_modules/.bin on the PATH, so a tool's name is enough. */
function run(command: readonly string[]): number | null {
  const [name = "", ...args] = command
  return spawnSync(name, args, {
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  }).status
}

function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce((a, b) => ({
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  }))
}
