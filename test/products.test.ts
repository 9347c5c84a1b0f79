/** Products as programs write them: of operands of all ranks, of matrices that are computed in place, before operations that move their axes
 *  about, in sizes around those of tiles; the loss and the parameters after a step, by kernels of every kind, against the float64
 *  interpreter. */
import { describe, expect, it } from "vitest"
import type { Graph } from "../compiler/ir/graph/types.js"
import { printComplaint } from "../compiler/ir/complaint.js"
import { evalKernels } from "../compiler/ir/kernels/eval.js"
import { verifyKernels } from "../compiler/ir/kernels/verify.js"
import { DEFAULT_TARGET, SOFTWARE_TARGET, SUBGROUP_TARGET, WASM_TARGET } from "../compiler/targets/index.js"
import { lowered } from "./support/lowered.js"
import { optimized } from "./support/passes.js"
import { drawnTrial, TOLERANCE } from "./support/random-trial.js"
import { scheduled } from "./support/kernels.js"
import { type Trial, wrongResults } from "./support/trial.js"
import { runInWasm } from "./support/wasm-program.js"

interface Product {
  /** Shapes of the parameters by name. */
  readonly params: Readonly<Record<string, readonly number[]>>
  readonly value: string
}

const shapeText = (shape: readonly number[]): string => `[${shape.join(", ")}]`

/** A step of a model whose output is the sum of the squares of the value. */
function stepOf({ params, value }: Product): Graph {
  const declared = Object.entries(params).map(([name, s]) => `  param ${name}: f32${shapeText(s)} = zeros`)
  const text = `model M() -> f32[] {\n${declared.join("\n")}\n  mean((${value}) ^ 2)\n}\n
train {\n  minimize M() with SGD(lr: 0.05)\n  steps 1\n}\n`
  return lowered(text).get("step")!
}

// ---- ranks

/** Leading axes of both operands that stretch to each other. */
const LEADS: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[], []],
  [[], [3]],
  [[3], []],
  [[3], [3]],
  [[1], [3]],
  [[3], [1]],
  [[2, 3], []],
  [[], [2, 3]],
  [[2, 3], [3]],
  [
    [2, 3],
    [2, 3],
  ],
  [
    [2, 1],
    [1, 3],
  ],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [
    [2, 1, 3],
    [2, 2, 3],
  ],
  [[3], [2, 2, 1]],
]
const SIZES: readonly (readonly [m: number, k: number, n: number])[] = [
  [2, 5, 3],
  [1, 4, 8],
  [9, 7, 5],
  [16, 8, 17],
  [4, 1, 6],
]
const matrices = LEADS.flatMap(([left, right]) =>
  SIZES.map(([m, k, n]): Product => ({
    params: { a: [...left, m, k], b: [...right, k, n] },
    value: "a @ b",
  })),
)
const vectors = LEADS.filter(([left, right]) => left.length === 0 || right.length === 0).flatMap(
  ([left, right]) =>
    SIZES.flatMap(([m, k]): Product[] =>
      right.length === 0
        ? [
            { params: { a: [...left, m, k], b: [k] }, value: "a @ b" },
            { params: { a: [...left, k], b: [k] }, value: "a @ b" },
          ]
        : [{ params: { a: [k], b: [...right, k, m] }, value: "a @ b" }],
    ),
)

// ---- operands worked out in place

/** Matrices [k, n] as expressions, of a parameter `w` [k, n] if they have one. */
const made = (k: number, n: number): Readonly<Record<string, string>> => {
  const s = `[${k}, ${n}]`
  return {
    "a choice": `where(w > 0, w, -w)`,
    "a constant triangle": `tril(ones(${s}))`,
    "a masked triangle": `triu(w)`,
    places: `f32(reshape(indices(${k * n}), ${s}) % 5)`,
    "gathered rows": `index_select(w, indices(${k}) * 2 % ${k}, axis: 0)`,
    "a slice": `concat([w, w], axis: 0)[1:${k + 1}]`,
    flipped: `flip(w, 1)`,
    transposed: `transpose(reshape(w, [${n}, ${k}]))`,
    "a stretched row": `expand(w[0:1], ${s})`,
    "a stretched column": `expand(w[..., 0:1], ${s})`,
    "a mask": `f32(w > 0)`,
    padded: `concat([zeros([1, ${n}]), w], axis: 0)[0:${k}]`,
    exponentials: `exp(w)`,
    softmaxes: `softmax(w, axis: 1)`,
    cumulative: `cumsum(w, 0)`,
  }
}
const LEFT: readonly (readonly number[])[] = [[7], [3, 4], [2, 3, 4], [2, 1, 2, 5]]
const SQUARE: readonly (readonly [number, number])[] = [
  [4, 4],
  [5, 3],
  [8, 9],
  [3, 16],
]
/** Every matrix with every rank of the other side, sizes in turn. */
const inPlace = LEFT.flatMap((lead, iteration) =>
  SQUARE.flatMap(([k, n], size) =>
    Object.values(made(k, n))
      .filter((_, i) => i % SQUARE.length === (size + iteration) % SQUARE.length)
      .flatMap((matrix): Product[] => [
        { params: { a: [...lead, k], w: [k, n] }, value: `(a * 2) @ ${matrix}` },
        { params: { a: [...lead, n], w: [k, n] }, value: `a @ transpose(${matrix})` },
      ]),
  ),
)

// ---- epilogues

const AFTER = [
  "transpose(y, 0, 1)",
  "transpose(y, 1, 2)",
  "transpose(y, 0, 2)",
  "permute(y, [2, 0, 1])",
  "flip(y, 1)",
  "y[1:]",
  "y[..., 1:]",
  "reshape(y, [-1])",
  "sum(y, axis: 1)",
  "softmax(y, axis: 2)",
  "cumsum(y, 1)",
  "concat([y, y], axis: 2)",
  "max(y, axis: 0)",
]
const LAST = [2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17]
const after = AFTER.flatMap((value, iteration) =>
  LAST.filter((_, i) => (i + iteration) % 2 === 0).map((n): Product => {
    const y = `(x @ transpose(w) + bias)`
    return {
      params: { x: [3, 4 + (n % 5) * 2, 8], w: [n, 8], bias: [n] },
      value: value.replace(/y(?=[,[\]])/g, y),
    }
  }),
)

// ---- the kinds of kernels

const KINDS = [
  { target: WASM_TARGET, run: runInWasm },
  { target: SOFTWARE_TARGET, run: evalKernels },
  { target: DEFAULT_TARGET, run: evalKernels },
  { target: SUBGROUP_TARGET, run: evalKernels },
] as const

const FAMILIES: Readonly<Record<string, readonly Product[]>> = {
  matrices,
  vectors,
  "in place": inPlace,
  after,
}

const differences = (trial: Trial): string[] => {
  const graph = optimized(trial.graph)
  return KINDS.flatMap(({ target, run }) => {
    const program = scheduled(graph, target)
    const complaints = verifyKernels(program, target)
    if (complaints.length > 0) return complaints.map((c) => `${target.name}: ${printComplaint(c)}`)
    const start = trial.start()
    return wrongResults(trial, run(program, start), start, TOLERANCE).map((text) => `${target.name}: ${text}`)
  })
}

describe.each(Object.entries(FAMILIES))("products: %s", (_name, products) => {
  it.each(
    products.map((p) => ({
      ...p,
      title: `${p.value} of ${Object.values(p.params).map(shapeText).join(" and ")}`,
    })),
  )("$title", (product) => {
    expect(differences(drawnTrial(stepOf(product)))).toEqual([])
  })
})
