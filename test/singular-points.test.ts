/** Values and gradients where functions have none, or infinite ones, and where f32 ends: those of PyTorch 2.15 in double precision
 *  (data/singular.jsonl), by the float64 interpreter; and on both devices what that gives. `t` is a target, without a gradient. */
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
    Record<string, { readonly shape: readonly number[]; readonly data: readonly Num[] }>
  >
  readonly value: readonly Num[]
  readonly gradients: Readonly<Record<string, readonly Num[]>>
}
const number = (x: Num): number => (x === "inf" ? Infinity : x === "-inf" ? -Infinity : Number(x))
const cases = readFileSync(new URL("data/singular.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Case)

/** The value, and its gradient by every input but the target. */
function graphOf({ expression, inputs, gradients }: Case, index: number): Graph {
  const params = Object.entries(inputs).map(([name, { shape }]) => `${name}: f32[${shape.join(", ")}]`)
  const results = ["value", ...Object.keys(gradients).map((name) => `grad(sum(value), ${name})`)]
  const text = `model Case(${params.join(", ")}) {\n  let value = ${expression}\n  (${results.join(", ")})\n}\n`
  return { ...differentiated(lowered(text).get("predict.Case")!), name: `case.${index}` }
}

const trials = cases.map((c, index): Trial => {
  const graph = graphOf(c, index)
  const values = graph.inputs.map(({ name }): NdArray => {
    const { shape, data } = c.inputs[name]!
    return { shape, data: Float64Array.from(data, number) }
  })
  return trialOf(graph, values, { B: 1, R: 1 })
})

describe("as PyTorch", () => {
  it.each(cases.map((c, i) => ({ ...c, name: `${c.expression} at ${JSON.stringify(c.inputs)}`, i })))(
    "$name",
    ({ value, gradients, i }) => {
      const found = Object.values(trials[i]!.expected.outputs).map((a) => [...a.data])
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
  await runTrials(trials, { device, target, dims: { B: 1, R: 1 } }, 2e-4, ({ graph }, found) => {
    const { expression, inputs } = cases[Number(graph.name.slice("case.".length))]!
    wrong.push(...found.map((text) => `${expression} at ${JSON.stringify(inputs)}: ${text}`))
  })
  expect(wrong).toEqual([])
})
