/** schedule: values that a later kernel works out of what it loads anyway are not kept for it. */
import { expect, it } from "vitest"
import { GraphBuild } from "../compiler/ir/graph/build.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import { BATCH, tensorType } from "../compiler/ir/tensor.js"
import type { Value } from "../compiler/ops/op.js"
import { WASM_TARGET } from "../compiler/targets/index.js"
import { GPU, kernelDifferences, scheduled, SOFTWARE } from "./support/kernels.js"

/** A layer with the inner product of a gelu, and its gradient: both want `square`, the second also `x` and `t`. `between`: the square
 *  times something that only the first has at hand. */
function layer(between: boolean): Graph {
  const g = new GraphBuild("layer")
  const [a, w, dy] = [
    g.input("a", tensorType("f32", [BATCH, 32])),
    g.input("w", tensorType("f32", [32, 16])),
    g.input("dy", tensorType("f32", [BATCH, 8])),
  ]
  const v = g.input("v", tensorType("f32", [8, 16]))
  const mask = g.input("mask", tensorType("f32", [BATCH, 16]))
  const x = g.apply("matmul", [a, w])
  const times = (p: Value, q: Value): Value => g.binary("mul", p, q)
  const square = between ? times(mask, times(x, x)) : times(g.constant(0.04), times(x, x))
  const t = g.apply("tanh", [g.binary("add", x, times(square, x))])
  g.output("y", times(x, t))
  const back = g.apply("matmul", [dy, v])
  const own = g.binary("add", times(back, t), times(times(back, square), times(x, t)))
  g.output("dx", own)
  return g.finish()
}

const loadsOf = (graph: Graph, target: typeof WASM_TARGET): string[] =>
  scheduled(graph, target)
    .kernels.at(-1)!
    .params.filter((p) => p.access === "read")
    .map((p) => p.name)

it.each([WASM_TARGET, GPU, SOFTWARE])("few operations on what is loaded anyway, on $name", (target) => {
  const graph = layer(false)
  expect(kernelDifferences(graph, { target, dims: { B: 5, R: 7 } })).toEqual([])
  expect(loadsOf(graph, target)).toHaveLength(4)
})

it("what needs another load is kept", () => {
  const graph = layer(true)
  expect(kernelDifferences(graph, { target: WASM_TARGET, dims: { B: 5, R: 7 } })).toEqual([])
  expect(loadsOf(graph, WASM_TARGET)).toHaveLength(5)
})
