// Op cases (ops.jsonl): many of them as models of one program, each giving its output and the gradients.

import { readFileSync } from "node:fs"
import type { Attrs } from "./case.js"
import { type DType } from "./arrays.js"
import { constant, DECLARED, required, spell } from "./operations.js"
import { Names } from "./names.js"

interface Array {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly data: readonly (number | string)[]
}
export interface OpCase {
  readonly id: string
  readonly op: string
  readonly attrs: Attrs
  readonly inputs: readonly Array[]
  readonly output: Array
  readonly upstream?: Array
  readonly grads?: readonly (Array | null)[]
  readonly rounding: number | { readonly output?: number }
  readonly mode?: "train" | "eval"
}

export function readOpCases(path: string): OpCase[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as OpCase)
}

/** Numbers as they are meant: a text stands for a number that JSON cannot write. */
export const numbers = ({ data }: Array): number[] =>
  data.map((value) =>
    typeof value === "number" ? value : Number(value.replace(/^(-?)inf(inity)?$/i, "$1Infinity")),
  )

/** The model of a case: inputs `x0`, `x1`, ... and `upstream`; results the output, then the gradients that there are. */
export function modelOf(given: OpCase, name: string, known: ReadonlySet<string>): string {
  const names = new Names(known)
  const inputs = given.inputs.map((_, i) => names.of(`x${i}`))
  const upstream = names.of("upstream")
  const wanted = (given.grads ?? []).flatMap((grad, i) => (grad === null ? [] : [inputs[i] ?? ""]))
  const params = [
    ...given.inputs.map((input, i) => `${inputs[i]}: ${type(input)}`),
    ...(given.upstream ? [`${upstream}: ${type(given.upstream)}`] : []),
  ]
  const results = ["output", ...wanted.map((input) => `grad(sum(output * ${upstream}), ${input})`)]
  return [
    ...(known.has(given.op) || given.op === "batch_norm" ? [] : [DECLARED[given.op] ?? ""]),
    `model ${name}(${params.join(", ")}) {`,
    `  let output = ${expression(given, inputs, known)}`,
    `  ${results.length === 1 ? results[0] : `(${results.join(", ")})`}`,
    "}",
    "",
  ].join("\n")
}

export const expectedGrads = ({ grads = [] }: OpCase): Array[] => grads.filter((grad) => grad !== null)

export const feeds = (given: OpCase): Array[] => [
  ...given.inputs,
  ...(given.upstream ? [given.upstream] : []),
]

function type({ dtype, shape }: Array): string {
  const sizes = shape.length === 0 ? "" : `[${shape.join(", ")}]`
  return `${dtype === "int32" ? "i32" : "f32"}${sizes}`
}

function expression(
  { op, attrs, mode, inputs }: OpCase,
  names: readonly string[],
  known: ReadonlySet<string>,
): string {
  if (op !== "batch_norm") return spell(op, names, attrs, { known })
  const [x, weight, bias, mean, variance] = names
  const tail = `${weight}, ${bias}, eps: ${constant(required(attrs, "eps"))})`
  if (mode === "eval") return `batch_norm(${x}, ${mean}, ${variance}, ${tail}`
  const axes = (inputs[0]?.shape ?? []).map((_, axis) => axis).filter((axis) => axis !== 1)
  const list = constant(axes)
  return `batch_norm(${x}, mean(${x}, ${list}), variance(${x}, ${list}, correction: 0), ${tail}`
}
