/** runtime/train: some rows that a run does not train on, what its model says of them, and what they are.
 *  Not here:   what a prediction says (prediction.ts). */
import type { FieldSpec } from "../bundle/format.js"
import { applyField } from "../data/apply.js"
import type { TableRows } from "../data/load.js"
import type { Part } from "../data/shares.js"
import { classNames, undoOf, type ClassName } from "../data/undo.js"
import { product } from "../exec/size.js"
import { decodeNumbers, type Numbers } from "../exec/values.js"
import type { MeantOutput, Prediction } from "./prediction.js"

/** Values of a field, row after row. */
export interface SampledField {
  readonly name: string
  /** Of one row. */
  readonly shape: readonly number[]
  readonly values: Numbers
}
export interface SampledOutput {
  readonly name: string
  readonly prediction: Prediction
  /** What the rows have in the field that the output is trained to give: names of classes, or values in their own unit. */
  readonly truth?: readonly ClassName[]
}
export interface Samples {
  readonly part: Part
  readonly rows: number
  readonly model: string
  readonly inputs: readonly SampledField[]
  readonly outputs: readonly SampledOutput[]
}

export function sampledField(field: FieldSpec, { table, rows }: TableRows): SampledField {
  const { bytes } = applyField(field, table, rows)
  const count = rows.length * product(field.shape)
  return {
    name: field.name,
    shape: field.shape,
    values: decodeNumbers(field.dtype, new Uint8Array(bytes).buffer, 0, count),
  }
}

export function truthOf({ as, field }: MeantOutput, from: TableRows): readonly ClassName[] {
  const own = Float64Array.from(sampledField(field, from).values)
  if (as.kind === "value") return [...(undoOf(field)?.(own, product(field.shape)) ?? own)]
  const names = classNames(field, as.kind === "binary" ? 2 : as.count)
  return Array.from(own, (value) => names[Math.round(value)] ?? value)
}
