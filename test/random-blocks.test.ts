/** Random programs with every product made by blocks, of any size, fitting or not: the choice is taken away from the cost model, which
 *  would give such small products none. By the kernel evaluator, against the float64 interpreter. */
import fc from "fast-check"
import { describe, expect, it, vi } from "vitest"
import { printGraph } from "../compiler/ir/graph/text.js"
import { evalKernels } from "../compiler/ir/kernels/eval.js"
import type * as CostBlock from "../compiler/schedule/cost/block.js"
import { GPU } from "./support/kernels.js"
import { graphOf, randomProgram } from "./support/random-graph.js"
import { DIMS, randomTrial, schedulesOf, TOLERANCE } from "./support/random-trial.js"
import { wrongResults } from "./support/trial.js"

const iteration = vi.hoisted(() => ({ next: 0 }))
vi.mock("../compiler/schedule/cost/block.js", async (original) => {
  const real = await original<typeof CostBlock>()
  const fastestBlock: typeof real.fastestBlock = ({ depth }) => {
    const blocks = real.blocksOf(depth)
    return blocks[iteration.next++ % blocks.length]
  }
  return { ...real, fastestBlock }
})

const PROGRAMS = 300
const PER_TEST = 50

describe(`${PROGRAMS} random programs`, () => {
  const made = new Set<string>()
  it.each(Array.from({ length: PROGRAMS / PER_TEST }, (_, i) => i))("part %i", (seed) => {
    const property = fc.property(randomProgram, (program) => {
      const graph = graphOf(program, DIMS)
      const trial = randomTrial(graph)
      fc.pre(trial !== undefined)
      const { fused } = schedulesOf(trial, GPU)
      for (const { template } of fused.kernels) if (template.includes("block")) made.add(template)
      const run = trial.start()
      const wrong = wrongResults(trial, evalKernels(fused, run), run, TOLERANCE)
      if (wrong.length > 0) throw new Error(`${wrong.join("\n")}\n${printGraph(graph)}`)
    })
    fc.assert(property, { seed, numRuns: PER_TEST })
  })

  it("had blocks of many sizes", () => {
    // Which programs are drawn changes with every new operation.
    expect(made.size).toBeGreaterThan(12)
  })
})
