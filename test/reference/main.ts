// `npm run reference -- DIR [--device D] [--fusion off] [--only NAME] [--keep FOLDER]`: trains every reference case of a folder from
// its own parameters, as a .nn program on the device, and compares with its numbers. DIR may be a folder of cases, a single case, or a
// folder with ops.jsonl. `--fusion off`: a kernel for every node. `--keep` leaves the programs there to be read. Exit code 1 when
// something failed.

import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { caseFolders, readCase } from "./case.js"
import { printDifference, worst } from "./compare.js"
import { DoesNotCompile } from "./compile-text.js"
import { readOpCases } from "./op-case.js"
import { Report, type Verdict } from "./report.js"
import { runCase, type RunOptions } from "./run-case.js"
import { runOps } from "./run-ops.js"

const USAGE = "usage: npm run reference -- DIR [--device D] [--fusion off] [--only NAME] [--keep FOLDER]"

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      device: { type: "string", default: "webgpu" },
      fusion: { type: "string", default: "on" },
      only: { type: "string" },
      keep: { type: "string" },
    },
  })
  const [folder] = positionals
  if (folder === undefined || positionals.length > 1) throw new Error(USAGE)
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}`)
  const { device, fusion, only, keep } = values
  const written = keep === undefined ? mkdtempSync(join(tmpdir(), "nnc-reference-")) : resolve(keep)
  const report = new Report()
  try {
    const options = { device, fusion: fusion !== "off", folder: written }
    const opsFile = join(folder, "ops.jsonl")
    if (existsSync(opsFile)) {
      const cases = readOpCases(opsFile).filter(
        ({ id, op }) => only === undefined || id === only || op === only,
      )
      await runOps(cases, options, (verdict) => report.add(verdict))
    }
    for (const path of caseFolders(folder, only)) report.add(await verdictOf(path, options))
  } finally {
    if (keep === undefined) rmSync(written, { recursive: true, force: true })
  }
  return report.end() ? 0 : 1
}

async function verdictOf(path: string, options: RunOptions): Promise<Verdict> {
  const name = basename(resolve(path))
  try {
    const given = readCase(path)
    const differences = await runCase(given, options)
    const { suggested_tolerance: tolerance } = given.expected
    const parts = Object.entries(differences).map(([what, size]) => `${what} ${printDifference(size)}`)
    return {
      name,
      ok: worst(differences) <= tolerance,
      detail: `${parts.join("  ")}  (allowed ${printDifference(tolerance)})`,
    }
  } catch (error) {
    if (error instanceof DoesNotCompile && process.env["NNC_VERBOSE"]) console.error(error.rendered)
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) }
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
