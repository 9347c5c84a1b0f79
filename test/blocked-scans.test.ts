/** Running sums and products and recurrences along axes around the sizes at which they are cut into blocks, once and twice, with their
 *  gradients, against the definition; and what zeros and numbers that are not finite become. */
import type { OpName } from "../compiler/ir/op-name.js"
import { describe, expect, it } from "vitest"
import { GraphBuild } from "../compiler/ir/graph/build.js"
import type { Attrs, Graph } from "../compiler/ir/graph/types.js"
import { costOf } from "../compiler/ir/kernels/cost.js"
import { evalKernels } from "../compiler/ir/kernels/eval.js"
import { tensorType } from "../compiler/ir/tensor.js"
import { WASM_TARGET } from "../compiler/targets/index.js"
import { SCALARS } from "../compiler/validate/values.js"
import { scheduled } from "./support/kernels.js"
import { optimized } from "./support/passes.js"
import { drawnTrial } from "./support/random-trial.js"
import { trialOf, wrongResults } from "./support/trial.js"
import { runInWasm } from "./support/wasm-program.js"

const SIZES = [255, 256, 257, 1000]
interface Case {
  readonly op: OpName
  readonly size: number
  readonly attrs: Attrs
}
const both = [false, true]
const ATTRS = both.flatMap((reverse) => both.map((exclusive): Attrs => ({ reverse, exclusive })))
const CASES = SIZES.flatMap((size): Case[] => [
  ...ATTRS.flatMap((attrs) => (["cumsum", "cumprod"] as const).map((op) => ({ op, size, attrs }))),
  ...both.map((reverse) => ({ op: "recurrence" as const, size, attrs: { reverse } })),
])

/** Two lines of `size`, the gradients of the sum of squares beside the result. */
function graphOf({ op, size, attrs }: Case): Graph {
  const g = new GraphBuild("t")
  const args = (op === "recurrence" ? ["a", "b"] : ["x"]).map((name) =>
    g.input(name, tensorType("f32", [2, size])),
  )
  // Near 1, so that products stay in range.
  const near = args.map((x, i) =>
    op === "cumsum" || i === 1 ? x : g.binary("add", g.binary("mul", x, g.constant(0.02)), g.constant(1)),
  )
  const y = g.apply(op, near, { axis: 1, ...attrs })
  g.output("y", y)
  const loss = g.apply("sum", [g.binary("mul", y, g.binary("mul", y, g.constant(1 / size)))], {
    axes: [0, 1],
    keepdim: false,
  })
  args.forEach((x, i) => g.output(`d${i}`, g.apply("grad", [loss, x])))
  return g.finish()
}

describe("scans in blocks", () => {
  it.each(CASES)("$op of $size, $attrs", (c) => {
    const trial = drawnTrial(graphOf(c))
    const program = scheduled(optimized(trial.graph), WASM_TARGET)
    const run = trial.start()
    expect(wrongResults(trial, runInWasm(program, run), run, 2e-4)).toEqual([])
  })

  const line = (at: Readonly<Record<number, number>>, other: number): Float64Array =>
    Float64Array.from({ length: 600 }, (_, i) => at[i] ?? other)
  it.each([
    { name: "a zero", x: line({ 3: 0 }, 1.01), op: "cumprod" },
    { name: "a zero, then an infinity", x: line({ 3: 0, 400: Infinity }, 1), op: "cumprod" },
    { name: "a product that vanishes", x: line({}, 0.25), op: "cumprod" },
    { name: "an infinity", x: line({ 400: Infinity }, 1), op: "cumprod" },
    { name: "NaN", x: line({ 400: NaN }, 1), op: "cumprod" },
    { name: "an infinity", x: line({ 400: Infinity }, 1), op: "cumsum" },
    { name: "infinities of both signs", x: line({ 300: Infinity, 500: -Infinity }, 1), op: "cumsum" },
  ] as const)("$op of $name is as element by element", ({ x, op }) => {
    const g = new GraphBuild("t")
    g.output(
      "y",
      g.apply(op, [g.input("x", tensorType("f32", [600]))], { axis: 0, reverse: false, exclusive: false }),
    )
    const trial = trialOf(g.finish(), [{ shape: [600], data: x }], { B: 1, R: 1 })
    const run = trial.start()
    const got = evalKernels(scheduled(optimized(trial.graph), WASM_TARGET), run)
    expect(wrongResults(trial, got, run, 1e-5)).toEqual([])
  })

  const long = (size: number): Graph => {
    const g = new GraphBuild("t")
    const x = g.input("x", tensorType("f32", [size]))
    const y = g.apply("cumsum", [x], { axis: 0, reverse: false, exclusive: false })
    g.output("y", y)
    g.output("dx", g.apply("grad", [g.apply("sum", [y], { axes: [0], keepdim: false }), x]))
    return optimized(g.finish())
  }

  it("blocks of an axis of 40,000 are cut again", () => {
    const x = Float32Array.from({ length: 40_000 }, (_, i) => ((i * 7) % 11) - 5)
    const run = { dims: { B: 1, R: 1 }, scalars: SCALARS, buffers: new Map([["x", x]]) }
    const out = runInWasm(scheduled(long(x.length), WASM_TARGET), run)
    let sum = 0
    expect([...out.get("y")!]).toEqual(Array.from(x, (v) => (sum += v)))
    expect([...out.get("dx")!]).toEqual(Array.from(x, (_, i) => x.length - i))
  })

  it("work grows with the axis, not with its square", () => {
    const work = (size: number): number => {
      const program = scheduled(long(size), WASM_TARGET)
      return program.dispatches.reduce((n, d) => n + costOf(program, d, { B: 1, R: 1 }).flops, 0)
    }
    expect(work(64_000) / work(8000)).toBeLessThan(10)
  })
})
