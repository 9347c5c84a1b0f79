/** NaN and infinities in what reductions, folds, sorting and pooling go over: on every kind of device what they mean in float64. */
import type { OpName } from "../compiler/ir/op-name.js"
import { describe, expect, it } from "vitest"
import { GraphBuild } from "../compiler/ir/graph/build.js"
import type { Attrs, Graph } from "../compiler/ir/graph/types.js"
import { tensorType } from "../compiler/ir/tensor.js"
import { DEFAULT_TARGET, SOFTWARE_TARGET, SUBGROUP_TARGET, WASM_TARGET } from "../compiler/targets/index.js"
import { runTrials, type Where } from "./support/device-trials.js"
import { trialOf } from "./support/trial.js"

const DIMS = { B: 1, R: 1 }
const devices: readonly (Omit<Where, "dims"> & { readonly name: string })[] = [
  { name: "a GPU", device: "webgpu", target: DEFAULT_TARGET },
  { name: "a GPU with subgroups", device: "webgpu", target: SUBGROUP_TARGET },
  { name: "a software adapter", device: "webgpu", target: SOFTWARE_TARGET },
  { name: "WebAssembly", device: "wasm", target: WASM_TARGET },
]

/** Rows of this length, each with its own trouble. */
function rowsOf(length: number): number[][] {
  const plain = Array.from({ length }, (_, i) => Math.fround(Math.sin(i * 1.7 + 0.3)))
  const put = (...at: readonly (readonly [number, number])[]): number[] =>
    plain.map((v, i) => at.find(([place]) => place === i)?.[1] ?? v)
  const last = length - 1
  return [
    plain,
    put([0, NaN]),
    put([last, NaN]),
    put([1, NaN], [2, NaN]),
    put([1, Infinity], [2, -Infinity]),
    put([1, Infinity], [2, NaN], [last, -Infinity]),
    plain.map(() => -Infinity),
    plain.map(() => Infinity),
    plain.map(() => NaN),
  ]
}

const axis = { axis: 1 }
const axes = { axes: [1], keepdim: false }
const window = (size: number, stride: number, padding: number): Attrs => ({
  window: [size],
  strides: [stride],
  padding_low: [padding],
  padding_high: [padding],
  dilation: [1],
})
const operations: readonly (readonly [op: OpName, attrs: Attrs])[] = [
  ["sum", axes],
  ["max", axes],
  ["min", axes],
  ["argmax", { ...axis, keepdim: false }],
  ["argmin", { ...axis, keepdim: false }],
  ["rank", { ...axis, descending: false }],
  ["rank", { ...axis, descending: true }],
  ["window_max", window(2, 2, 0)],
  ["window_max", window(3, 1, 1)],
  ["window_argmax", window(3, 1, 1)],
]

function graphOf(op: OpName, attrs: Attrs, shape: readonly number[], name: string = op): Graph {
  const g = new GraphBuild(name)
  const x = g.input("x", tensorType("f32", shape))
  g.output("y", g.apply(op, [x], attrs))
  return g.finish()
}

describe.each(devices)("on $name", ({ device, target }) => {
  it.each([4, 7, 200])("rows of %i", async (length) => {
    const data = Float64Array.from(rowsOf(length).flat())
    const x = { shape: [rowsOf(length).length, length], data }
    const trials = operations.map(([op, attrs], i) =>
      trialOf(graphOf(op, attrs, x.shape, `${op}.${i}`), [x], DIMS),
    )
    const wrong: string[] = []
    await runTrials(trials, { device, target, dims: DIMS }, 1e-5, ({ graph }, found) =>
      wrong.push(...found.map((text) => `${graph.name}: ${text}`)),
    )
    expect(wrong).toEqual([])
  })
})

it("argsort stays in range, NaN last either way", () => {
  for (const [descending, order] of [
    [false, [3, 0, 2, 1]],
    [true, [0, 2, 3, 1]],
  ] as const) {
    const x = { shape: [1, 4], data: Float64Array.of(1, NaN, 1, -Infinity) }
    const { expected } = trialOf(graphOf("rank", { ...axis, descending }, x.shape), [x], DIMS)
    const rank = [...expected.outputs["y"]!.data]
    expect(order.map((from) => rank[from])).toEqual([0, 1, 2, 3])
  }
})
