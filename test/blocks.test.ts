/** Contractions by blocks in workgroup memory, on the adapter, against the float64 interpreter: sizes that fit blocks and sizes that
 *  do not, operands that lie along either axis, and elementwise operations before and after the sums. */
import { describe, expect, it } from "vitest"
import { GraphBuild } from "../compiler/ir/graph/build.js"
import { BATCH, type Dim, type DimValues, tensorType, type TensorType } from "../compiler/ir/tensor.js"
import type { Value } from "../compiler/ops/op.js"
import { DEFAULT_TARGET } from "../compiler/targets/index.js"
import { runTrials } from "./support/device-trials.js"
import { randomArgs } from "./support/gradcheck.js"
import { scheduled } from "./support/kernels.js"
import { sourcesOf, trialOf } from "./support/trial.js"

const B = BATCH
const f32 = (...shape: Dim[]): TensorType => tensorType("f32", shape)
const turned = (g: GraphBuild, x: Value): Value => {
  const axes = x.type.shape.map((_, n) => n)
  return g.apply("transpose", [x], { perm: [...axes.slice(0, -2), axes.length - 1, axes.length - 2] })
}

/** left [m, k], right [k, n]; each may lie the other way in memory. */
function product(g: GraphBuild, m: Dim, n: Dim, k: Dim, leftTurned: boolean, rightTurned: boolean): Value {
  const left = leftTurned ? turned(g, g.input("a", f32(k, m))) : g.input("a", f32(m, k))
  const right = rightTurned ? turned(g, g.input("b", f32(n, k))) : g.input("b", f32(k, n))
  return g.apply("matmul", [left, right])
}
function adam(g: GraphBuild, name: string, type: TensorType, d: Value): void {
  const [p, m, v] = [
    g.slot(name, type, "param"),
    g.slot(`${name}/m`, type, "optimizer"),
    g.slot(`${name}/v`, type, "optimizer"),
  ]
  const mix = (old: Value, now: Value, beta: number): Value =>
    g.binary("add", g.binary("mul", old, g.constant(beta)), g.binary("mul", now, g.constant(1 - beta)))
  const newM = mix(m, d, 0.9)
  const newV = mix(v, g.binary("mul", d, d), 0.999)
  const root = g.binary("add", g.apply("sqrt", [newV]), g.constant(1e-3))
  g.update(m, newM)
  g.update(v, newV)
  g.update(p, g.binary("sub", p, g.binary("div", g.binary("mul", newM, g.constant(0.01)), root)))
}

type Build = (g: GraphBuild) => void
interface Case {
  readonly name: string
  /** The block, as its kernel's template names it. */
  readonly block: RegExp
  readonly build: Build
  /** Sizes of batches to run. */
  readonly batches?: readonly number[]
}
/** Rows, columns and depth; whether the left operand lies along the rows, the right one along the depth. */
type Sized = readonly [
  string,
  Dim,
  Dim,
  Dim,
  left: boolean,
  right: boolean,
  RegExp,
  batches?: readonly number[],
]
const sizes: readonly Sized[] = [
  ["whole blocks, as they lie", 64, 128, 96, false, false, /block .* split over 16/],
  ["whole blocks, right turned", 64, 128, 96, false, true, /block .* split over 16/],
  ["whole blocks, left turned", 64, 128, 96, true, false, /block .* split over 16/],
  ["nothing whole, as it lies", 37, 51, 29, false, false, /block/],
  ["nothing whole, both turned", 37, 51, 29, true, true, /block/],
  ["depth not in fours", 64, 64, 50, false, true, /block/],
  ["columns not in fours", 64, 30, 64, true, false, /block/],
  ["a depth of 1", 300, 304, 1, false, false, /contract/],
  ["a batch of rows", B, 48, 40, false, true, /block/, [1, 7, 33, 70]],
  ["a batch of columns", 48, B, 40, true, false, /block/, [1, 7, 33, 70]],
  ["a batch of depth", 40, 48, B, true, false, /block/, [1, 7, 33, 70]],
  ["few outputs, long sums", 64, 100, 600, false, true, /block 8x8 .* split over 16/],
  ["more outputs", 200, 160, 96, true, true, /block .* split over 4/],
  ["tiles of 8 by 8", 1000, 1000, 10, false, false, /block 64x64 by 8x8/],
]
const products = sizes.map(([name, m, n, k, left, right, block, batches = [1]]): Case => {
  const build: Build = (g) => g.output("y", product(g, m, n, k, left, right))
  return { name, block, build, batches }
})

const PLAIN = { strides: [1, 1], padding_low: [1, 1], padding_high: [1, 1], dilation: [1, 1], groups: 1 }
const others: Case[] = [
  {
    name: "a layer: bias, relu and a second output",
    block: /block/,
    batches: [5, 64],
    build: (g) => {
      const w = g.slot("w", f32(64, 36), "param")
      const bias = g.apply("broadcast", [g.slot("b", f32(64), "param")], { shape: [B, 64] })
      const h = g.binary("add", g.apply("matmul", [g.input("x", f32(B, 36)), turned(g, w)]), bias)
      g.output("h", h)
      g.output("y", g.binary("maximum", h, g.constant(0)))
    },
  },
  {
    name: "operands computed on the way in",
    block: /block/,
    batches: [6, 64],
    build: (g) => {
      const [x, dy] = [g.input("x", f32(B, 40)), g.input("dy", f32(B, 40))]
      const masked = g.binary("mul", dy, g.binary("maximum", x, g.constant(0)))
      g.output("dx", g.apply("matmul", [masked, g.slot("w", f32(40, 72), "param")]))
    },
  },
  {
    name: "a weight's gradient and Adam",
    block: /block/,
    batches: [9, 64],
    build: (g) => {
      const [x, dy] = [g.input("x", f32(B, 60)), g.input("dy", f32(B, 52))]
      const d = g.apply("matmul", [turned(g, dy), x])
      adam(g, "w", f32(52, 60), d)
    },
  },
  {
    name: "products of a batch, as attention makes them",
    block: /block/,
    batches: [1, 3],
    build: (g) => {
      const [q, k] = ["q", "k"].map((name) => g.input(name, f32(B, 4, 40, 32)))
      g.output("y", g.apply("matmul", [q!, turned(g, k!)]))
    },
  },
  {
    name: "a convolution",
    block: /block/,
    batches: [1, 4],
    build: (g) => {
      const w = g.slot("w", f32(20, 6, 3, 3), "param")
      g.output("y", g.apply("conv", [g.input("x", f32(B, 6, 12, 12)), w], PLAIN))
    },
  },
  {
    name: "a convolution's gradients",
    block: /block/,
    batches: [1, 4],
    build: (g) => {
      const dy = g.input("dy", f32(B, 20, 11, 9))
      const w = g.slot("w", f32(20, 6, 3, 3), "param")
      const x = g.input("x", f32(B, 6, 11, 9))
      g.output("dx", g.apply("conv_input_grad", [dy, w], { ...PLAIN, input_size: [11, 9] }))
      g.output("dw", g.apply("conv_weight_grad", [x, dy], { ...PLAIN, kernel_size: [3, 3] }))
    },
  },
]

const LARGEST: DimValues = { B: 70, R: 1 }
const all = [...products, ...others].map((c, i) => {
  const g = new GraphBuild(`p${i}`)
  c.build(g)
  const graph = g.finish()
  const state = graph.state.map((s) => ({ ...s, name: `p${i}.${s.name}` }))
  return { ...c, graph: { ...graph, state } }
})

describe("blocks", () => {
  it.each(all)("$name: are chosen", ({ graph, block }) => {
    const { kernels } = scheduled(graph, DEFAULT_TARGET)
    for (const { template } of kernels) expect(template).toMatch(block)
  })

  it("give what the interpreter gives", async () => {
    const trials = all.flatMap(({ graph, batches = [1] }) =>
      batches.map((batch) => {
        const dims = { ...LARGEST, B: batch }
        const sources = sourcesOf(graph)
        const ranges = sources.map((s): readonly [number, number] => {
          return "role" in s && s.role === "optimizer" ? [0.1, 2] : [-1, 1]
        })
        const values = randomArgs(
          sources.map((s) => s.type),
          dims,
          ranges,
        )
        return trialOf(graph, values, dims)
      }),
    )
    const where = { device: "webgpu", target: DEFAULT_TARGET, dims: LARGEST } as const
    await runTrials(trials, where, 1e-4, ({ graph }, wrong) =>
      expect(wrong, all.find((c) => c.graph === graph)!.name).toEqual([]),
    )
  })
})
