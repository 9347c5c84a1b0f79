// Figures of every compiled example and of the workloads of the benchmark that do not depend on the machine:
// a kernel, a dispatch or a byte more is a difference in metrics.snap. `UPDATE=1` writes it anew.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { whenConverted } from "../compiler/cli/convert/index.js"
import { DEFAULT_TARGET, SOFTWARE_TARGET, WASM_TARGET } from "../compiler/targets/index.js"
import { writeData } from "./bench/data.js"
import { type Figures, measure } from "./bench/figures.js"

const HERE = fileURLToPath(new URL(".", import.meta.url))
const SNAPSHOT = join(HERE, "metrics.snap")
const COLUMNS = [
  "dispatches",
  "kernels",
  "code_bytes",
  "state_bytes",
  "work_bytes",
  "live_bytes",
  "moved_bytes",
  "least_bytes",
] as const satisfies readonly (keyof Figures)[]

it("figures are those of metrics.snap", async () => {
  const now = await snapshot()
  if (process.env["UPDATE"]) writeFileSync(SNAPSHOT, now)
  expect(now).toBe(readFileSync(SNAPSHOT, "utf8"))
})

it.each(programs())("temporaries of %s take little more room than is alive at once", async (path) => {
  const { plan } = await whenConverted(() => measure(path, DEFAULT_TARGET))
  for (const { name, workBytes, liveBytes } of plan.programs)
    expect(workBytes, name).toBeLessThanOrEqual(1.1 * liveBytes)
})

async function snapshot(): Promise<string> {
  const rows = [["", "target", ...COLUMNS]]
  for (const path of programs()) {
    for (const target of [DEFAULT_TARGET, SOFTWARE_TARGET, WASM_TARGET]) {
      const { figures } = await whenConverted(() => measure(path, target))
      rows.push([basename(path, ".nn"), target.name, ...COLUMNS.map((c) => String(figures[c]))])
    }
  }
  const widths = rows[0]!.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, n) => cell.padStart(widths[n]!))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("")
}

/** The examples but mnist, whose images are not part of the repository, and the workloads. Relative to the project, because
 *  kernels name the places they come from. */
function programs(): string[] {
  writeData(join(HERE, "bench/data"))
  const examples = readdirSync("examples").filter(
    (name) => name !== "mnist" && existsSync(join("examples", name, `${name}.nn`)),
  )
  // W7 to W9 take seconds to compile and have no kind of kernel that these do not.
  const workloads = readdirSync("test/bench").filter((name) => /^w[1-6]\.nn$/.test(name))
  return [
    ...examples.map((name) => join("examples", name, `${name}.nn`)),
    ...workloads.map((name) => join("test/bench", name)),
  ]
}
