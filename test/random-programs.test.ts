/** Fusion changes nothing: random programs by the kernels with every node on its own, and by the kernels that `fuse` makes,
 *  against the float64 interpreter of the graph before any optimisation. A program that fails is shrunk and printed as text; put
 *  into test/cases/programs/ it is run ever after. */
import fc from "fast-check"
import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { parseGraph, printGraph } from "../compiler/ir/graph/text.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import { verifyGraph } from "../compiler/ir/graph/verify.js"
import { evalKernels } from "../compiler/ir/kernels/eval.js"
import { WASM_TARGET } from "../compiler/targets/index.js"
import { GPU, SOFTWARE } from "./support/kernels.js"
import { graphOf, randomProgram } from "./support/random-graph.js"
import { DIMS, randomTrial, schedulesOf, TOLERANCE } from "./support/random-trial.js"
import { wrongResults } from "./support/trial.js"
import { runInWasm } from "./support/wasm-program.js"

const TARGETS = [SOFTWARE, GPU, WASM_TARGET]
const PROGRAMS = 1000
/** Files of tests run side by side, tests of a file do not; a test of its own says how far they got. */
const PER_TEST = 100

/** The faults of a program; undefined where it computes numbers too large to compare. */
function complaints(graph: Graph, targets: readonly (typeof GPU)[]): string[] | undefined {
  const broken = verifyGraph(graph)
  if (broken.length > 0) return broken.map((c) => `${c.where}: ${c.message}`)
  const trial = randomTrial(graph)
  if (trial === undefined) return undefined
  return targets.flatMap((target) =>
    Object.entries(schedulesOf(trial, target)).flatMap(([how, program]) => {
      const run = trial.start()
      const outputs = evalKernels(program, run)
      return wrongResults(trial, outputs, run, TOLERANCE).map((c) => `${target.name}, ${how}: ${c}`)
    }),
  )
}

describe(`${PROGRAMS} random programs`, () => {
  const tests = Array.from({ length: PROGRAMS / PER_TEST }, (_, i) => i)
  it.each(tests)("part %i", (seed) => {
    let iteration = 0
    const property = fc.property(randomProgram, (program) => {
      const graph = graphOf(program, DIMS)
      const found = attempt(graph, () => complaints(graph, [TARGETS[iteration++ % TARGETS.length]!]))
      fc.pre(found !== undefined)
    })
    fc.assert(property, { seed, numRuns: PER_TEST })
  })
})

const KEPT = new URL("cases/programs/", import.meta.url)

describe("programs that failed once", () => {
  it.each(readdirSync(KEPT))("%s", (file) => {
    const graph = parseGraph(readFileSync(new URL(file, KEPT), "utf8"))
    expect(complaints(graph, TARGETS)).toEqual([])
    const trial = randomTrial(graph)!
    for (const program of Object.values(schedulesOf(trial, WASM_TARGET))) {
      const run = trial.start()
      expect(wrongResults(trial, runInWasm(program, run), run, TOLERANCE)).toEqual([])
    }
  })
})

/** Fails with the text of the graph. */
function attempt(graph: Graph, run: () => string[] | undefined): string[] | undefined {
  let found: string[] | undefined
  try {
    found = run()
  } catch (error) {
    found = [error instanceof Error ? (error.stack ?? error.message) : String(error)]
  }
  if (found !== undefined && found.length > 0) throw new Error(`${found.join("\n")}\n${printGraph(graph)}`)
  return found
}
