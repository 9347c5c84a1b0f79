/** stdlib: functions that are written in the language, value and gradients, against what PyTorch and scikit-learn give in double precision
 *  (data/library.jsonl, written by library.py): by the float64 interpreter, and on both devices. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { Graph } from "../compiler/ir/graph/types.js"
import type { NdArray } from "../compiler/ops/op.js"
import { SOFTWARE_TARGET, WASM_TARGET } from "../compiler/targets/index.js"
import { runTrials } from "./support/device-trials.js"
import { differentiated, lowered } from "./support/lowered.js"
import { type Trial, trialOf } from "./support/trial.js"

/** What JSON has no number for is a text. */
type Num = number | "nan" | "inf" | "-inf"
interface Case {
  readonly expression: string
  readonly inputs: Readonly<
    Record<
      string,
      { readonly dtype: string; readonly shape: readonly number[]; readonly data: readonly Num[] }
    >
  >
  readonly value: readonly Num[]
  /** Of half of the sum of squares. */
  readonly gradients: Readonly<Record<string, readonly Num[]>>
}
const number = (x: Num): number => (x === "inf" ? Infinity : x === "-inf" ? -Infinity : Number(x))
const cases = readFileSync(new URL("data/library.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Case)

function graphOf({ expression, inputs, gradients }: Case, index: number): Graph {
  const params = Object.entries(inputs).map(
    ([name, { dtype, shape }]) => `${name}: ${dtype}${shape.length === 0 ? "" : `[${shape.join(", ")}]`}`,
  )
  const results = ["value", ...Object.keys(gradients).map((name) => `grad(sum(value * value) / 2, ${name})`)]
  const result = results.length === 1 ? results[0] : `(${results.join(", ")})`
  const text = `model Case(${params.join(", ")}) {\n  let value = ${expression}\n  ${result}\n}\n`
  return { ...differentiated(lowered(text).get("predict.Case")!), name: `case.${index}` }
}

const trials = new Map<number, Trial>()
function trialAt(index: number): Trial {
  const known = trials.get(index)
  if (known) return known
  const c = cases[index]!
  const graph = graphOf(c, index)
  const values = graph.inputs
    .filter(({ source }) => source.kind !== "scalar")
    .map(({ name }): NdArray => {
      const { shape, data } = c.inputs[name]!
      return { shape, data: Float64Array.from(data, number) }
    })
  const trial = trialOf(graph, values, { B: 1, R: 1 })
  trials.set(index, trial)
  return trial
}

describe("as PyTorch and scikit-learn", () => {
  it.each(cases.map((c, i) => ({ ...c, i, name: `${c.expression} #${i}` })))(
    "$name",
    ({ value, gradients, i }) => {
      const found = Object.values(trialAt(i).expected.outputs).map((a) => [...a.data])
      const wanted = [value, ...Object.values(gradients)].map((list) => list.map(number))
      const isClose = (want: number, got: number): boolean =>
        Object.is(want, got) || Math.abs(want - got) <= 1e-6 * (1 + Math.abs(want))
      const closest = wanted.map((list, n) =>
        list.map((want, j) => (isClose(want, found[n]![j]!) ? want : found[n]![j]!)),
      )
      expect(closest).toEqual(wanted)
    },
  )
})

it.each([
  { device: "wasm", target: WASM_TARGET },
  { device: "webgpu", target: SOFTWARE_TARGET },
] as const)("the same on $device", async ({ device, target }) => {
  const wrong: string[] = []
  // Of each function the first: it is the language and the interpreter that the others are for.
  const heads = cases.map(({ expression }) => /\w+/.exec(expression)?.[0])
  const firsts = heads.flatMap((head, i) => (heads.indexOf(head) === i ? [trialAt(i)] : []))
  await runTrials(firsts, { device, target, dims: { B: 1, R: 1 } }, 2e-4, ({ graph }, found) => {
    wrong.push(
      ...found.map((text) => `${cases[Number(graph.name.slice("case.".length))]!.expression}: ${text}`),
    )
  })
  expect(wrong).toEqual([])
})
