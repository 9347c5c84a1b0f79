/** Bytes and operations of dispatches, and `nnc profile`, which sets them beside the time that they take. */
import { describe, expect, it } from "vitest"
import { GraphBuild } from "../compiler/ir/graph/build.js"
import { takeResult } from "../compiler/ir/graph/scan.js"
import { costOf, scaled } from "../compiler/ir/kernels/cost.js"
import { BATCH, type Dim, tensorType, type TensorType } from "../compiler/ir/tensor.js"
import { WASM_TARGET } from "../compiler/targets/index.js"
import { GPU, scheduled, SOFTWARE } from "./support/kernels.js"
import { jsonLines, nnc } from "./support/nnc.js"
import { optimized } from "./support/passes.js"

const f32 = (...shape: Dim[]): TensorType => tensorType("f32", shape)
type Build = (g: GraphBuild) => void

/** Bytes and operations at B = 10, which do not depend on tiles and tails of workgroups. */
const COSTS: readonly (readonly [string, number, number, Build])[] = [
  [
    "one operation per element",
    4 * (30 + 30),
    30,
    (g) => g.output("y", g.apply("neg", [g.input("x", f32(BATCH, 3))])),
  ],
  [
    "a matrix product: a multiplication and an addition per place of the sum",
    4 * (80 + 64 + 80),
    2 * 10 * 8 * 8,
    (g) => g.output("y", g.apply("matmul", [g.input("x", f32(BATCH, 8)), g.input("w", f32(8, 8))])),
  ],
  [
    "a sum over rows",
    4 * (70 + 10),
    70,
    (g) => g.output("y", g.apply("sum", [g.input("x", f32(BATCH, 7))], { axes: [1], keepdim: false })),
  ],
  [
    "an update in place moves its slot twice",
    4 * (2 * 16 + 16),
    2 * 16,
    (g) => {
      const w = g.slot("w", f32(16), "param")
      const d = g.binary("mul", g.input("d", f32(16)), g.constant(0.1))
      g.update(w, g.binary("sub", w, d))
    },
  ],
  [
    "of a data set, the rows of a batch",
    4 * (10 * 3 + 10 + 10 * 3),
    0,
    (g) => {
      const x = g.input("x", f32({ terms: [{ coef: 1, syms: ["R"] }] }, 3), { kind: "data", field: "x" })
      g.output("y", g.apply("take", [x, g.input("i", tensorType("i32", [BATCH]))], { axis: 0 }))
    },
  ],
]

describe.each([SOFTWARE, GPU, WASM_TARGET].map((t) => [t.name, t] as const))("for %s", (_, target) => {
  it.each(COSTS)("%s", (_name, bytes, flops, build) => {
    const g = new GraphBuild("t")
    build(g)
    const program = scheduled(g.finish(), target)
    const costs = program.dispatches.map((d) => costOf(program, d, { B: 10, R: 1000 }))
    expect(costs).toHaveLength(1)
    expect(costs[0]!.bytes).toBe(bytes)
    // Tiles compute up to three rows and columns beyond the last.
    expect(costs[0]!.flops).toBeGreaterThanOrEqual(flops)
    expect(costs[0]!.flops).toBeLessThanOrEqual(1.3 * flops)
  })
})

it("counts of a buffer with a row per iteration one row in each", () => {
  const steps = 50
  const bytes = [WASM_TARGET, SOFTWARE].flatMap((target) => {
    const region = new GraphBuild("iteration")
    const h = region.input("h", tensorType("f32", [64]))
    const x = region.input("x", tensorType("f32", [64]))
    region.output("next.h", region.binary("add", region.apply("tanh", [h]), x))
    const g = new GraphBuild("t")
    const given = [g.input("h", h.type), g.input("xs", tensorType("f32", [steps, 64]))]
    const loop = g.applyScan(given, { iterations: steps, carries: 1, slices: 1 }, region.finish())
    g.output("last", takeResult(g, loop, 0, h.type))
    const program = scheduled(optimized(g.finish()), target)
    const inLoop = program.dispatches.filter((_, i) => program.loops?.some((l) => l.first <= i && i < l.end))
    return inLoop.map((d) => costOf(program, d, { B: 1, R: 1 }).bytes)
  })
  // A row of `xs`, and of the two rows of the state one that is read and one that is written.
  expect(bytes).toEqual(bytes.map(() => 3 * 64 * 4))
})

it("says sizes in three digits", () => {
  expect([0, 999, 1500, 24_600_000, 1e15].map(scaled)).toEqual(["0 ", "999 ", "1.50 k", "24.6 M", "1000 T"])
})

it.each(["wasm", "webgpu"])(
  "nnc profile on %s: every dispatch of a step, and the lines they come from",
  (device) => {
    const run = nnc(["profile", "examples/xor/xor.nn", "--device", device, "--json"])
    expect(run).toMatchObject({ exit: 0 })
    const [found] = jsonLines(run) as unknown as {
      kernels: {
        kernel: string
        ms: number
        bytes: number
        flops: number
        of_peak: number
        origins: string[]
      }[]
      lines: { at: string; ms: number }[]
      kernels_ms: number
      step_ms: number
      peak: { flops: number; bytes: number }
    }[]
    expect(found!.kernels.length).toBeGreaterThan(0)
    for (const k of found!.kernels) {
      expect(k.ms).toBeGreaterThan(0)
      expect(k.bytes).toBeGreaterThan(0)
      expect(k.of_peak).toBeCloseTo(
        Math.max(k.flops / found!.peak.flops, k.bytes / found!.peak.bytes) / (k.ms / 1000),
        6,
      )
    }
    const sum = (list: readonly { ms: number }[]): number => list.reduce((n, { ms }) => n + ms, 0)
    expect(sum(found!.kernels)).toBeCloseTo(found!.kernels_ms, 9)
    expect(sum(found!.lines)).toBeCloseTo(found!.kernels_ms, 9)
    expect(found!.lines.map(({ at }) => at)).toContainEqual(expect.stringMatching(/xor\.nn:\d+$/))
  },
)

it("nnc profile as a table names kernels, their templates and lines", () => {
  const { out } = nnc(["profile", "examples/xor/xor.nn", "--device", "wasm"])
  expect(out).toMatch(/ms +share +computes +moves +of peak +kernel +template/)
  expect(out).toMatch(/contract \d+x\d+/)
  expect(out).toMatch(/xor\.nn:\d+/)
})

it("inspect says at every dispatch what it moves and computes", () => {
  const { out } = nnc(["inspect", "examples/xor/xor.nn", "--after", "kernels"])
  expect(out).toMatch(/dispatch \w+\([\d, ]+\) {2}\/\/ \S+ k?B, \S+ [kM]?flop at B = \d+/)
})
