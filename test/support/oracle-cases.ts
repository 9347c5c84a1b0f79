/** test: expressions with the values and gradients that another library gives for them in double precision, one per line of a file of
 *  `test/data`: tests that the float64 interpreter gives these, and that both devices give what it does. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { Graph } from "../../compiler/ir/graph/types.js"
import type { NdArray } from "../../compiler/ops/op.js"
import { SOFTWARE_TARGET, WASM_TARGET } from "../../compiler/targets/index.js"
import { runTrials } from "./device-trials.js"
import { differentiated, lowered } from "./lowered.js"
import { type Trial, trialOf } from "./trial.js"

/** A text stands for a number that JSON does not have. */
type Num = number | "nan" | "inf" | "-inf"
export interface OracleCase {
  readonly expression: string
  readonly inputs: Readonly<
    Record<
      string,
      { readonly dtype?: string; readonly shape: readonly number[]; readonly data: readonly Num[] }
    >
  >
  readonly value: readonly Num[]
  /** By input: of the scalar that the file's tests differentiate. */
  readonly gradients: Readonly<Record<string, readonly Num[]>>
}
export interface OracleTests {
  /** Who computed the cases. */
  readonly oracle: string
  readonly file: string
  /** The scalar of `value` whose gradients the cases have. */
  readonly differentiated: string
  nameOf(c: OracleCase, index: number): string
  /** Whether devices run the case too. */
  onDevices?(c: OracleCase, index: number, all: readonly OracleCase[]): boolean
}

export function testAgainstOracle(tests: OracleTests): void {
  const { oracle, nameOf, onDevices = () => true } = tests
  const cases = readFileSync(new URL(`../data/${tests.file}`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as OracleCase)
  const trials = new Map<number, Trial>()
  const trialAt = (index: number): Trial => {
    const trial = trials.get(index) ?? trialFor(cases[index]!, index, tests.differentiated)
    trials.set(index, trial)
    return trial
  }

  describe(`as ${oracle}`, () => {
    it.each(cases.map((c, i) => ({ ...c, i, name: nameOf(c, i) })))("$name", ({ value, gradients, i }) => {
      const found = Object.values(trialAt(i).expected.outputs).map((a) => [...a.data])
      const wanted = [value, ...Object.values(gradients)].map((list) => list.map(number))
      const isClose = (want: number, got: number): boolean =>
        Object.is(want, got) || Math.abs(want - got) <= 1e-6 * (1 + Math.abs(want))
      const closest = wanted.map((list, n) =>
        list.map((want, j) => (isClose(want, found[n]![j]!) ? want : found[n]![j]!)),
      )
      expect(closest).toEqual(wanted)
    })
  })

  it.each([
    { device: "wasm", target: WASM_TARGET },
    { device: "webgpu", target: SOFTWARE_TARGET },
  ] as const)("the same on $device", async ({ device, target }) => {
    const wrong: string[] = []
    const run = cases.flatMap((c, i) => (onDevices(c, i, cases) ? [trialAt(i)] : []))
    await runTrials(run, { device, target, dims: { B: 1, R: 1 } }, 2e-4, ({ graph }, found) => {
      const i = Number(graph.name.slice("case.".length))
      wrong.push(...found.map((text) => `${nameOf(cases[i]!, i)}: ${text}`))
    })
    expect(wrong).toEqual([])
  })
}

const number = (x: Num): number => (x === "inf" ? Infinity : x === "-inf" ? -Infinity : Number(x))

function trialFor(c: OracleCase, index: number, scalar: string): Trial {
  const graph = graphOf(c, index, scalar)
  const values = graph.inputs
    .filter(({ source }) => source.kind !== "scalar")
    .map(({ name }): NdArray => {
      const { shape, data } = c.inputs[name]!
      return { shape, data: Float64Array.from(data, number) }
    })
  return trialOf(graph, values, { B: 1, R: 1 })
}

function graphOf({ expression, inputs, gradients }: OracleCase, index: number, scalar: string): Graph {
  const params = Object.entries(inputs).map(
    ([name, { dtype = "f32", shape }]) =>
      `${name}: ${dtype}${shape.length === 0 ? "" : `[${shape.join(", ")}]`}`,
  )
  const results = ["value", ...Object.keys(gradients).map((name) => `grad(${scalar}, ${name})`)]
  const result = results.length === 1 ? results[0] : `(${results.join(", ")})`
  const text = `model Case(${params.join(", ")}) {\n  let value = ${expression}\n  ${result}\n}\n`
  return { ...differentiated(lowered(text).get("predict.Case")!), name: `case.${index}` }
}
