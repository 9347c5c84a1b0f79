// `npm test`: adapter, typecheck, lint, format, then every test. All of them run even when an earlier one fails, and
// the last line reads `N passed, N failed` (each check counts as one). Arguments go to vitest: `npm test -- ops`.
// A browser is installed where that is possible; without one the tests that need it count as skipped.

import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** What vitest's JSON reporter writes, as far as it is read here. */
interface VitestReport {
  readonly success: boolean
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

const CHECKS: readonly (readonly [title: string, command: readonly string[]])[] = [
  ["adapter", ["tsx", "scripts/ensure-adapter.ts"]],
  ["typecheck", ["tsc", "-p", "tsconfig.test.json"]],
  ["lint", ["oxlint", "--deny-warnings"]],
  ["format", ["prettier", "--check", "--log-level", "warn", "."]],
]

const checks = CHECKS.map(([title, command]) => check(title, command))
run(["tsx", "scripts/ensure-chromium.ts"])
const total = sum([...checks, vitest(process.argv.slice(2))])
if (total.skipped > 0) console.log(`${total.skipped} skipped`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed > 0 ? 1 : 0

function check(title: string, command: readonly string[]): Tally {
  const ok = run(command)
  console.log(`${title}: ${ok ? "ok" : "failed"}`)
  return ok ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 }
}

function vitest(args: readonly string[]): Tally {
  const folder = mkdtempSync(join(tmpdir(), "nnc-test-"))
  const file = join(folder, "report.json")
  const ok = run([
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
    failed: !ok && failed === 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/** Tests that cannot run here have the reason in their name: `(skipped: no Chromium here)`. */
function printSkipped({ testResults }: VitestReport): void {
  const reasons = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .flatMap(({ fullName }) => /\(skipped: ([^)]*)\)/.exec(fullName)?.[1] ?? [])
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
function run(command: readonly string[]): boolean {
  const [name = "", ...args] = command
  const { status } = spawnSync(name, args, {
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  })
  return status === 0
}

function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce((a, b) => ({
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  }))
}
