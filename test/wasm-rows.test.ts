/** schedule, codegen/wasm: reductions four at a time, along rows and across them: windows of every kind with lines that fit vectors
 *  and that do not, against the graph's meaning, and WebAssembly against the kernel evaluator. */
import { describe, expect, it } from "vitest"
import { GraphBuild } from "../compiler/ir/graph/build.js"
import type { Value } from "../compiler/ops/op.js"
import type { Attrs, Graph } from "../compiler/ir/graph/types.js"
import { printKernel } from "../compiler/ir/kernels/text.js"
import { BATCH, type Shape, tensorType } from "../compiler/ir/tensor.js"
import { WASM_TARGET } from "../compiler/targets/index.js"
import { kernelDifferences, scheduled } from "./support/kernels.js"
import { wasmKernels } from "./support/wasm-kernels.js"
import { wasmDifferences } from "./support/wasm-program.js"

const window = (size: number, stride: number, padding = 0): Attrs => ({
  window: [size, size],
  strides: [stride, stride],
  padding_low: [padding, padding],
  padding_high: [padding, padding],
  dilation: [1, 1],
})

/** The largest of each window and its place, as a training step wants both. */
function pooled(shape: Shape, attrs: Attrs): Graph {
  const g = new GraphBuild("pooled")
  const x = g.input("x", tensorType("f32", shape))
  g.output("max", g.apply("window_max", [x], attrs))
  g.output("place", g.apply("window_argmax", [x], attrs))
  g.output("sum", g.apply("window_sum", [x], attrs))
  return g.finish()
}

const CASES = [
  { name: "every second place, whole vectors", shape: [BATCH, 3, 16, 16], attrs: window(2, 2), near: true },
  { name: "every second place, lines of 7", shape: [BATCH, 2, 14, 14], attrs: window(2, 2), near: true },
  { name: "windows that overlap", shape: [BATCH, 2, 15, 15], attrs: window(3, 2), near: true },
  {
    name: "windows that reach beyond the ends",
    shape: [BATCH, 2, 15, 15],
    attrs: window(3, 2, 1),
    near: true,
  },
  {
    name: "places too far apart for two vectors",
    shape: [BATCH, 2, 15, 15],
    attrs: window(3, 3),
    near: false,
  },
] as const

describe.each(CASES)("windows: $name", ({ shape, attrs, near }) => {
  const graph = pooled([...shape], attrs)
  it.each([1, 5])("are right for a batch of %i", (B) => {
    const dims = { B, R: 7 }
    expect(kernelDifferences(graph, { target: WASM_TARGET, dims })).toEqual([])
    expect(wasmDifferences(graph, { target: WASM_TARGET, dims })).toEqual([])
  })
  it(near ? "are read in whole vectors" : "are read place by place", () => {
    const texts = scheduled(graph, WASM_TARGET).kernels.map((k) => printKernel(k))
    expect(texts.some((text) => text.includes("= vec(lane("))).toBe(near)
    expect(texts.every((text) => text.includes("four rows per invocation"))).toBe(true)
  })
})

const softmax = (shape: Shape): Graph => {
  const g = new GraphBuild("softmax")
  const x = g.input("x", tensorType("f32", shape))
  const last = { axes: [shape.length - 1] }
  const wide = (v: Value): Value => g.apply("broadcast", [v], { shape })
  const e = g.apply("exp", [g.binary("sub", x, wide(g.apply("max", [x], { ...last, keepdim: true })))])
  g.output("y", g.binary("div", e, wide(g.apply("sum", [e], { ...last, keepdim: true }))))
  return g.finish()
}
const totals = (shape: Shape): Graph => {
  const g = new GraphBuild("totals")
  const x = g.input("x", tensorType("f32", shape))
  g.output("sum", g.apply("sum", [x], { axes: [0], keepdim: false }))
  g.output("most", g.apply("max", [x], { axes: [0], keepdim: false }))
  return g.finish()
}
const joined = (): Graph => {
  const g = new GraphBuild("joined")
  const parts = [8, 12, 4].map((n, i) => g.input(`x${i}`, tensorType("f32", [BATCH, n])))
  g.output("y", g.apply("concat", parts, { axis: 1 }))
  return g.finish()
}
const textOf = (graph: Graph): string => {
  const { kernels } = scheduled(graph, WASM_TARGET)
  return kernels.map((k) => printKernel(k)).join("")
}

describe.each([
  { name: "a softmax", graph: softmax([BATCH, 64]), has: "shared kept", lacks: /exp\(.*exp\(/s },
  { name: "a softmax, rows of 30", graph: softmax([BATCH, 30]), has: "shared kept", lacks: /(exp\(.*){3}/s },
  { name: "a softmax of long rows", graph: softmax([BATCH, 9000]), has: "exp", lacks: /kept/ },
  {
    name: "columns of a matrix",
    graph: totals([100, 128]),
    has: "16 rows per invocation",
    lacks: /grid.x in 32/,
  },
  { name: "few columns of a matrix", graph: totals([100, 16]), has: "four rows", lacks: /16 rows/ },
  { name: "pieces put together", graph: joined(), has: "guard(i", lacks: /guard\(.*splat\(i/ },
])("$name", ({ graph, has, lacks }) => {
  it.each([1, 5])("is right for a batch of %i", (B) => {
    const dims = { B, R: 7 }
    expect(kernelDifferences(graph, { target: WASM_TARGET, dims })).toEqual([])
    expect(wasmDifferences(graph, { target: WASM_TARGET, dims })).toEqual([])
  })
  it("is scheduled as it should", () => {
    expect(textOf(graph)).toContain(has)
    expect(textOf(graph)).not.toMatch(lacks)
  })
})

describe.each(["maximum", "minimum"] as const)("%s", (op) => {
  it.each([4, 5])("keeps a NaN in either place, of %i elements", (size) => {
    const g = new GraphBuild("extremes")
    const [a, b] = ["a", "b"].map((name) => g.input(name, tensorType("f32", [size])))
    g.output("y", g.apply(op, [a!, b!]))
    const { kernels } = scheduled(g.finish(), WASM_TARGET)
    const given = { in_a: [NaN, 1, 2, NaN, NaN], in_b: [3, NaN, 1, NaN, 4] } as Record<string, number[]>
    const arrays = kernels[0]!.params.map((p) =>
      Float32Array.from((given[p.name] ?? [0, 0, 0, 0, 0]).slice(0, size)),
    )
    const scalars = { step: 0, epoch: 0, seed: 0, start: 0, iteration: 0 }
    wasmKernels(kernels).run(0, arrays, { B: 1, R: 1 }, scalars)
    expect([...arrays[2]!]).toEqual([NaN, NaN, op === "maximum" ? 2 : 1, NaN, NaN].slice(0, size))
  })
})
