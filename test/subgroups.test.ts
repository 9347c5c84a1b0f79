/** Rows that a workgroup reduces in subgroups: by the kernel evaluator, and on the adapter where it offers them. */
import type { OpName } from "../compiler/ir/op-name.js"
import { describe, expect, it } from "vitest"
import { GraphBuild } from "../compiler/ir/graph/build.js"
import type { Graph } from "../compiler/ir/graph/types.js"
import { printComplaint } from "../compiler/ir/complaint.js"
import { verifyKernels } from "../compiler/ir/kernels/verify.js"
import { BATCH, type Dim, tensorType } from "../compiler/ir/tensor.js"
import type { Value } from "../compiler/ops/op.js"
import { DEFAULT_TARGET, SUBGROUP_TARGET } from "../compiler/targets/index.js"
import { runTrials } from "./support/device-trials.js"
import { randomArgs } from "./support/gradcheck.js"
import { kernelDifferences, scheduled } from "./support/kernels.js"
import { sourcesOf, trialOf } from "./support/trial.js"

const DIMS = { B: 5, R: 1 }
const over = (g: GraphBuild, op: OpName, x: Value): Value => {
  const { shape } = x.type
  const one = g.apply(op, [x], { axes: [shape.length - 1], keepdim: true })
  return g.apply("broadcast", [one], { shape })
}
const rows: [
  name: string,
  shape: readonly Dim[],
  dtype: "f32" | "i32",
  (g: GraphBuild, x: Value) => Value,
][] = [
  ["a sum", [BATCH, 200], "f32", (g, x) => g.apply("sum", [x], { axes: [1], keepdim: false })],
  [
    "a largest of whole numbers",
    [BATCH, 77],
    "i32",
    (g, x) => g.apply("max", [x], { axes: [1], keepdim: false }),
  ],
  ["a product", [7, 64], "f32", (g, x) => g.apply("prod", [x], { axes: [1], keepdim: false })],
  ["a smallest", [7, 65], "f32", (g, x) => g.apply("min", [x], { axes: [1], keepdim: false })],
  [
    "a softmax, one reduction after another",
    [BATCH, 3, 100],
    "f32",
    (g, x) => {
      const e = g.apply("exp", [g.binary("sub", x, over(g, "max", x))])
      return g.binary("div", e, over(g, "sum", e))
    },
  ],
  [
    "two sums of one row",
    [BATCH, 130],
    "f32",
    (g, x) => g.binary("mul", over(g, "sum", x), over(g, "sum", g.binary("mul", x, x))),
  ],
]
const all = rows.map(([name, shape, dtype, build], i): { name: string; graph: Graph } => {
  const g = new GraphBuild(`p${i}`)
  g.output("y", build(g, g.input("x", tensorType(dtype, shape))))
  return { name, graph: g.finish() }
})

describe("rows in subgroups", () => {
  it.each(all)("$name", ({ graph }) => {
    const { kernels } = scheduled(graph, SUBGROUP_TARGET)
    expect(kernels.map((k) => k.template)).toEqual(["row per workgroup of 64 in subgroups"])
    expect(kernelDifferences(graph, { target: SUBGROUP_TARGET, dims: DIMS, integers: [-9, 9] })).toEqual([])
  })

  it("are refused for a device that has none", () => {
    const complaints = verifyKernels(scheduled(all[0]!.graph, SUBGROUP_TARGET), DEFAULT_TARGET).map(
      printComplaint,
    )
    expect(complaints).toEqual([
      expect.stringContaining("joined in subgroups, which the target does not promise"),
    ])
  })

  it("on the adapter", async () => {
    const trials = all.map(({ graph }) => {
      const types = sourcesOf(graph).map((s) => s.type)
      const values = randomArgs(
        types,
        DIMS,
        types.map((t) => (t.dtype === "i32" ? [-9, 9] : undefined)),
      )
      return trialOf(graph, values, DIMS)
    })
    const where = { device: "webgpu", target: SUBGROUP_TARGET, dims: DIMS } as const
    await runTrials(trials, where, 1e-4, ({ graph }, wrong) => expect(wrong, graph.name).toEqual([]))
  })
})
