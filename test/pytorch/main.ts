// `npm run pytorch -- [--count N] [--seed S] [--cases FOLDER]`: random programs from a seed on, and the reference cases of a folder from their
// own first values, each compared with its export to PyTorch. $NNC_PYTHON names a Python that has torch. Exit code 1 when one differs.

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Choices } from "../fuzz/choices.js"
import { randomProgram } from "../fuzz/program.js"
import { LARGE, SMALL } from "../fuzz/run.js"
import { caseFolders, readCase } from "../reference/case.js"
import { DoesNotCompile } from "../reference/compile-text.js"
import { compileCase, firstValues } from "../reference/run-case.js"
import { againstPytorch, type Subject } from "../support/pytorch-batch.js"
import { python } from "../support/python.js"
import { random } from "../support/random.js"

/** Programs that share a process. */
const TOGETHER = 20

const { values: given } = parseArgs({
  options: {
    count: { type: "string", default: "0" },
    seed: { type: "string", default: "1" },
    cases: { type: "string" },
  },
})
const [count, seed] = [Number(given.count), Number(given.seed)]
if (python === undefined) throw new Error("no Python with torch and numpy: $NNC_PYTHON names one")

const figures = {
  same: new Map<string, number>(),
  left: new Map<string, string>(),
  wrong: new Map<string, string>(),
}

/** `subjects` writes what the programs need into the folder. */
async function compareAll(subjects: (folder: string) => ReadonlyMap<string, Subject>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "nnc-pytorch-"))
  try {
    const programs = subjects(folder)
    const { same, left, wrong } = await againstPytorch(folder, programs)
    for (const [name, most] of same) figures.same.set(name, most)
    for (const [name, why] of left) figures.left.set(name, why)
    for (const [name, why] of wrong) {
      figures.wrong.set(name, why)
      console.log(`\n${name}: ${why}\n\n${programs.get(name)?.text}`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const { same, left, wrong } = figures
  console.log(`${same.size} agree, ${wrong.size} differ, ${left.size} refused`)
}

const folders = given.cases === undefined ? [] : caseFolders(given.cases)
for (let n = 0; n < folders.length; n += TOGETHER)
  await compareAll(
    (folder) => new Map(folders.slice(n, n + TOGETHER).flatMap((path) => fromCase(path, folder))),
  )

function fromCase(path: string, folder: string): (readonly [string, Subject])[] {
  const reference = readCase(path)
  const { name } = reference.spec
  try {
    const { program } = compileCase(reference, join(folder, name), true)
    const values = firstValues(reference, program)
    return [[name, { text: program.text, train: "main", values }]]
  } catch (error) {
    if (!(error instanceof DoesNotCompile)) throw error
    figures.left.set(name, error.message)
    return []
  }
}

for (let n = 0; n < count; n += TOGETHER) {
  const seeds = Array.from({ length: Math.min(TOGETHER, count - n) }, (_, i) => seed + n + i)
  await compareAll(
    () =>
      new Map(
        seeds.map((at) => [
          `seed-${at}`,
          { text: randomProgram(Choices.drawn(random(at)), at % 8 === 3 ? LARGE : SMALL).text },
        ]),
      ),
  )
}

const reasons = new Map<string, number>()
for (const why of figures.left.values()) {
  const kind = why.replace(/`[^`]*`|".*?"|\d+/g, "…")
  reasons.set(kind, (reasons.get(kind) ?? 0) + 1)
}
for (const [why, times] of [...reasons].toSorted(([, a], [, b]) => b - a))
  console.log(`refused ${times}: ${why}`)
const [worst] = [...figures.same].toSorted(([, a], [, b]) => b - a)
if (worst)
  console.log(
    `largest difference among those that agree: ${worst[1].toPrecision(3)} of its scale, in ${worst[0]}`,
  )
process.exitCode = figures.wrong.size > 0 ? 1 : 0
