/** Kernels of whole programs against their graphs: every graph of every example, and how many kernels they take. */
import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { Graph } from "../compiler/ir/graph/types.js"
import { evalDim, numel } from "../compiler/ir/tensor.js"
import { GPU, kernelDifferences, scheduled, SOFTWARE } from "./support/kernels.js"
import { lowered } from "./support/lowered.js"
import { optimized } from "./support/passes.js"

const graphsOf = (path: string): Graph[] =>
  [...lowered({ path, text: readFileSync(path, "utf8") }).values()].map((graph) => optimized(graph))

const examples = readdirSync("examples").filter((name) =>
  readdirSync(`examples/${name}`).includes(`${name}.nn`),
)

const loose = { integers: [0, 7], tolerance: 2e-3 } as const

describe.each(examples)("%s", (name) => {
  const graphs = graphsOf(`examples/${name}/${name}.nn`)
  // The elements of all nodes: roughly the work of the evaluators.
  const size = (graph: Graph): number =>
    graph.nodes.reduce((n, node) => n + evalDim(numel(node.type.shape), { B: 3, R: 7 }), 0)
  it.each(graphs.map((graph) => ({ graph, name: graph.name })))("$name", ({ graph }) => {
    for (const target of [SOFTWARE, GPU]) {
      expect(kernelDifferences(graph, { target, run: size(graph) < 100_000, ...loose })).toEqual([])
    }
  })
})

describe("kernels of a training step", () => {
  const step = (path: string): Graph => graphsOf(path).find((g) => g.name === "step")!
  it("counts", () => {
    const counts = ["cancer", "xor", "mnist"].map((name) => {
      return `${name} ${scheduled(step(`examples/${name}/${name}.nn`)).dispatches.length}`
    })
    expect(counts).toEqual(["cancer 6", "xor 6", "mnist 14"])
  })
})
