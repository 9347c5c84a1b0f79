/** stdlib: every operation of the reference cases, value and gradients, written in the language and run in double precision. */
import { readFileSync } from "node:fs"
import { describe, it } from "vitest"
import { evalGraph } from "../compiler/ir/graph/eval.js"
import type { NdArray } from "../compiler/ops/op.js"
import type { Attrs } from "./reference/case.js"
import { spell } from "./reference/operations.js"
import { close } from "./support/close.js"
import { differentiated, lowered } from "./support/lowered.js"
import { programs } from "./support/programs.js"

interface CaseArray {
  readonly dtype: "float32" | "int32"
  readonly shape: readonly number[]
  readonly data: readonly number[]
}
interface OpCase {
  readonly id: string
  readonly op: string
  readonly attrs: Attrs
  readonly inputs: readonly CaseArray[]
  readonly output: CaseArray
  readonly upstream?: CaseArray
  readonly grads?: readonly (CaseArray | null)[]
  readonly mode?: string
}

const cases = readFileSync(new URL("data/ops.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as OpCase)

const known = new Set(
  programs()
    .filter((p) => p.path.startsWith("stdlib/"))
    .flatMap((p) => [...p.text.matchAll(/^fn (\w+)/gm)].map((m) => m[1] ?? "")),
)

describe("stdlib against PyTorch", () => {
  for (const c of cases) it(c.id, () => checkCase(c))
})

function checkCase(c: OpCase): void {
  const graph = lowered(program(c)).get("predict.Case")!
  const names = argumentNames(c)
  const given = Object.fromEntries(c.inputs.map((input, i) => [names[i]!, array(input)]))
  const inputs = c.upstream ? { ...given, upstream: array(c.upstream) } : given
  const { outputs } = evalGraph(differentiated(graph), { inputs })
  const [value, ...grads] = Object.values(outputs)
  close(value!, array(c.output), TOLERANCE, "value")
  wantedGrads(c).forEach((i, k) => close(grads[k]!, array(c.grads![i]!), TOLERANCE, `gradient of input ${i}`))
}

/** The cases are printed to ten digits. */
const TOLERANCE = 1e-8

/** A model whose results are the value and the gradients of sum(value * upstream). */
function program(c: OpCase): string {
  const names = argumentNames(c)
  const params = c.inputs.map((input, i) => `${names[i]}: ${type(input)}`)
  const call = c.op === "batch_norm" ? batchNorm(c) : spell(c.op, names, c.attrs, { known })
  const grads = wantedGrads(c).map((i) => `grad(objective, ${names[i]})`)
  const upstream = c.upstream ? [`upstream: ${type(c.upstream)}`] : []
  const objective = grads.length > 0 ? "  let objective = sum(value * upstream)\n" : ""
  const results = grads.length > 0 ? `(value, ${grads.join(", ")})` : "value"
  return `model Case(${[...params, ...upstream].join(", ")}) {\n  let value = ${call}\n${objective}  ${results}\n}\n`
}

/** The fn takes the moments; which ones is the layers' business. */
const batchNorm = (c: OpCase): string =>
  c.mode === "eval"
    ? `batch_norm(x0, x3, x4, x1, x2, ${String(c.attrs["eps"])})`
    : `batch_norm(x0, mean(x0, 0), variance(x0, 0, correction: 0), x1, x2, ${String(c.attrs["eps"])})`

const argumentNames = (c: OpCase): string[] => c.inputs.map((_, i) => `x${i}`)
const wantedGrads = (c: OpCase): number[] => (c.grads ?? []).flatMap((g, i) => (g === null ? [] : [i]))
const type = (a: CaseArray): string => {
  const dtype = a.dtype === "float32" ? "f32" : "i32"
  return a.shape.length === 0 ? dtype : `${dtype}[${a.shape.join(", ")}]`
}
const array = (a: CaseArray): NdArray => ({ shape: a.shape, data: Float64Array.from(a.data) })
