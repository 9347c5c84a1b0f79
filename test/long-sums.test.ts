// Sums of 10^5 to 10^6 terms lose no more than four times what NumPy's sums in pairs may lose, whatever makes them.

import type { OpName } from "../compiler/ir/op-name.js"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { evalKernels } from "../compiler/ir/kernels/eval.js"
import type { Attrs, Graph } from "../compiler/ir/graph/types.js"
import { parseKernelProgram } from "../compiler/ir/kernels/parse.js"
import { verifyKernels } from "../compiler/ir/kernels/verify.js"
import { BATCH, type Dim, evalShape, type Shape } from "../compiler/ir/tensor.js"
import { SUBGROUP_TARGET, type TargetProfile, WASM_TARGET } from "../compiler/targets/index.js"
import { SCALARS } from "../compiler/validate/values.js"
import { openBundle } from "../runtime/node.js"
import { compileText } from "./reference/compile-text.js"
import { GPU, scheduled, SOFTWARE } from "./support/kernels.js"
import { temporaryFolder } from "./support/nnc.js"
import { npy } from "./support/npy.js"
import { graphOfOne } from "./support/one-operation.js"
import { pairwiseError } from "./support/pairwise.js"
import { random } from "./support/random.js"
import { sourcesOf } from "./support/trial.js"
import { runInWasm } from "./support/wasm-program.js"

type Numbers = (next: () => number, i: number) => number
const NUMBERS: Readonly<Record<string, Numbers>> = {
  "near 10^4": (next) => 10_000 + 4 * next() - 2,
  uniform: (next) => next(),
  "of both signs in turn": (next, i) => (i % 2 === 0 ? 1 : -1) * (10_000 + next()),
  // Its rounding errors all point the same way.
  "one and the same": () => 0.1,
}

interface Case {
  readonly name: string
  readonly graph: Graph
  readonly B: number
  readonly terms: number
  /** Term `n` of output `o`. */
  readonly term: (args: readonly Float32Array[], o: number, n: number) => number
}
const one = (op: OpName, args: readonly Shape[], attrs: Attrs = {}): Graph => graphOfOne({ op, args, attrs })
const sum = (shape: Shape, axes: readonly number[]): Graph => one("sum", [shape], { axes, keepdim: false })
const product = (rows: Dim, depth: Dim, columns: Dim): Graph =>
  one("matmul", [
    [rows, depth],
    [depth, columns],
  ])

const cases: readonly Case[] = [
  {
    name: "a sum over a batch",
    graph: sum([BATCH], [0]),
    B: 1_000_000,
    terms: 1_000_000,
    term: ([x], _, n) => x![n]!,
  },
  {
    name: "sums of rows of a million",
    graph: sum([2, 1_000_000], [1]),
    B: 1,
    terms: 1_000_000,
    term: ([x], o, n) => x![1_000_000 * o + n]!,
  },
  {
    name: "sums of rows of odd length",
    graph: sum([3, 100_003], [1]),
    B: 1,
    terms: 100_003,
    term: ([x], o, n) => x![100_003 * o + n]!,
  },
  {
    name: "a bias gradient",
    graph: sum([BATCH, 6], [0]),
    B: 200_000,
    terms: 200_000,
    term: ([x], o, n) => x![6 * n + o]!,
  },
  {
    name: "sums per channel",
    graph: sum([BATCH, 4, 17, 23], [0, 2, 3]),
    B: 400,
    terms: 400 * 17 * 23,
    term: ([x], o, n) => x![Math.floor(n / 391) * 1564 + 391 * o + (n % 391)]!,
  },
  {
    name: "a weight gradient",
    graph: product(5, BATCH, 8),
    B: 200_000,
    terms: 200_000,
    term: ([a, b], o, n) => a![200_000 * Math.floor(o / 8) + n]! * b![8 * n + (o % 8)]!,
  },
  {
    name: "a small product of great depth",
    graph: product(1, 300_000, 1),
    B: 1,
    terms: 300_000,
    term: ([a, b], _, n) => a![n]! * b![n]!,
  },
  {
    name: "a product of great depth",
    graph: product(8, 100_000, 12),
    B: 1,
    terms: 100_000,
    term: ([a, b], o, n) => a![100_000 * Math.floor(o / 12) + n]! * b![12 * n + (o % 12)]!,
  },
  {
    name: "a weight gradient of a convolution",
    graph: one(
      "conv_weight_grad",
      [
        [BATCH, 1, 20, 20],
        [BATCH, 8, 18, 18],
      ],
      {
        strides: [1, 1],
        padding_low: [0, 0],
        padding_high: [0, 0],
        dilation: [1, 1],
        groups: 1,
        kernel_size: [3, 3],
      },
    ),
    B: 400,
    terms: 400 * 324,
    term: ([x, dy], o, n) => {
      const [channel, tap] = [Math.floor(o / 9), o % 9]
      const [image, place] = [Math.floor(n / 324), n % 324]
      const row = Math.floor(place / 18) + Math.floor(tap / 3)
      return (
        x![400 * image + 20 * row + (place % 18) + (tap % 3)]! * dy![2592 * image + 324 * channel + place]!
      )
    },
  },
]

const schedules: readonly { readonly on: string; readonly target: TargetProfile }[] = [
  { on: "WebAssembly", target: WASM_TARGET },
  { on: "software adapters", target: SOFTWARE },
  { on: "GPUs", target: GPU },
  { on: "GPUs with subgroups", target: SUBGROUP_TARGET },
]

/** Numbers for a case, and for each output the sum in double precision and the largest error that it may have. */
interface Question {
  readonly kind: string
  readonly buffers: ReadonlyMap<string, Float32Array>
  readonly wanted: readonly { readonly exact: number; readonly error: number }[]
}
const questions = new Map<Case, readonly Question[]>()
function questionsOf(c: Case): readonly Question[] {
  const known = questions.get(c)
  if (known !== undefined) return known
  const made = Object.entries(NUMBERS).map(([kind, numbers]) => questionOf(c, kind, numbers))
  questions.set(c, made)
  return made
}

function questionOf(c: Case, kind: string, numbers: Numbers): Question {
  const dims = { B: c.B, R: 1 }
  const count = (shape: Shape): number => evalShape(shape, dims).reduce((a, b) => a * b, 1)
  const next = random(7)
  const drawn = sourcesOf(c.graph).map(({ name, type }) => {
    return [name, Float32Array.from({ length: count(type.shape) }, (_, i) => numbers(next, i))] as const
  })
  const args = drawn.map(([, values]) => values)
  const wanted = Array.from({ length: count(c.graph.nodes.at(-1)!.type.shape) }, (_, o) => {
    let [exact, size] = [0, 0]
    for (let n = 0; n < c.terms; n++) {
      const term = c.term(args, o, n)
      exact += term
      size += Math.abs(term)
    }
    return { exact, error: 4 * pairwiseError(c.terms, size) }
  })
  return { kind, buffers: new Map(drawn), wanted }
}

describe.each(schedules)("kernels for $on", ({ target }) => {
  it.each(cases)("$name", (c) => {
    const program = scheduled(c.graph, target)
    expect(verifyKernels(program, target)).toEqual([])
    const joins = program.kernels.some(({ template }) => template.includes("subgroups"))
    for (const { kind, buffers, wanted } of questionsOf(c)) {
      const run = { dims: { B: c.B, R: 1 }, scalars: SCALARS, buffers }
      const found = (joins ? evalKernels : runInWasm)(program, run).get("y")!
      wanted.forEach(({ exact, error }, o) =>
        expect(Math.abs(found[o]! - exact), `${kind}: output ${o}`).toBeLessThan(error),
      )
    }
  })
})

it("a kernel that adds up a whole batch in one variable does not verify", () => {
  const text = `program "p" {
  buffer 0 "x": feed f32[B]
  buffer 1 "y": output f32[1]

  kernel k(x: read f32, y: write f32) "map" {
    for g on grid.x in 1 {
      for lane on lane in 1 {
        var acc: f32 = 0f
        for r on serial in B {
          set acc = acc + x[r]
        }
        store y[0] = acc
      }
    }
  }

  dispatch k(0, 1)

  return "y" = 1
}
`
  const program = parseKernelProgram(text)
  expect(verifyKernels(program)).toMatchObject([{ message: "acc takes 16777216 terms, a sum at most 1024" }])
  expect(verifyKernels(program, GPU, 1024)).toEqual([])
})

/** One full batch of so many rows. */
const ROWS = 200_000
const program = `data d = npy(x: "x.npy") { x: f32 = column("x") }
model M(x: f32[B]) -> f32[B] {
  param w: f32 = ones
  param b: f32 = zeros
  x * w + b
}
train on d {
  let p = M(x)
  let z = p - 10000
  report mean = mean(p)
  report variance = variance(p)
  report spread = std(p)
  report slope = grad(mean(p), M.w)
  report offset = grad(mean(p), M.b)
  report logsumexp = logsumexp(z)
  report softmax = sum(softmax(z))
  report dot = mean(p @ p)
  report huber = huber(z, z + 3)
  report binary = bce_with_logits(z, f32(z > 0))
  report absolute = mae(p, x - 0.5)
  report root = rmse(p, x - 0.5)
  minimize mse(p, x + 1) with SGD(lr: 0)
  steps 1
}
`

/** The same in double precision, each with the size of the terms. */
function expected(x: Float32Array): Record<string, { value: number; size: number }> {
  const total = (f: (v: number) => number): number => x.reduce((sum, v) => sum + f(v), 0)
  const mean = (f: (v: number) => number): number => total(f) / ROWS
  const center = mean((v) => v)
  const variance = total((v) => (v - center) ** 2) / (ROWS - 1)
  const exps = Math.log(total((v) => Math.exp(v - 10000)))
  const own = (value: number): { value: number; size: number } => ({ value, size: Math.abs(value) })
  return {
    mean: own(center),
    variance: own(variance),
    spread: own(Math.sqrt(variance)),
    slope: own(center),
    offset: own(1),
    logsumexp: { value: exps, size: 1 },
    softmax: own(1),
    dot: own(total((v) => v * v)),
    huber: own(2.5),
    binary: own(mean((v) => Math.log1p(Math.exp(-Math.abs(v - 10000))))),
    absolute: own(0.5),
    root: own(0.5),
    loss: own(1),
  }
}

describe.each(["wasm", "webgpu"] as const)("a program over a batch of 200,000 rows on %s", (device) => {
  it("reports what double precision gives", async () => {
    const folder = temporaryFolder()
    const next = random(3)
    const x = Float32Array.from({ length: ROWS }, () => 10_000 + 4 * next() - 2)
    writeFileSync(join(folder, "x.npy"), npy("<f4", `(${ROWS},)`, x))
    const { bundle } = compileText({ path: join(folder, "p.nn"), text: program })
    const trainer = await openBundle(bundle, folder, { device })
    const reports: Readonly<Record<string, unknown>>[] = []
    await trainer.train({ onEvent: (e) => void (e.event === "report" && reports.push({ ...e.metrics })) })
    reports.push(await trainer.evaluate())
    trainer.close()
    expect(reports.length).toBeGreaterThan(1)
    for (const [name, { value, size }] of Object.entries(expected(x)))
      for (const found of reports)
        expect(Math.abs(Number(found[name]) - value), name).toBeLessThan(4 * pairwiseError(ROWS, size))
  })
})
