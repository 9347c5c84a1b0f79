/** check: `array(x: [[0, 0], [0, 1]], y: [0, 1])`: rows written in the source. */
import type { CallExpr } from "../../../ir/ast/types.js"
import type { DataSource } from "../../../ir/model/types.js"
import type { Span } from "../../../source/source.js"
import type { Env } from "../../env.js"
import { evalExpr } from "../../expr.js"
import * as v from "../../values.js"
import type { Value } from "../../values.js"
import { badSource, type SourceRule } from "./source.js"

interface Rows {
  /** The shape of all rows: the number of rows first. */
  readonly shape: readonly number[]
  readonly values: readonly number[]
}

export const array: SourceRule = { written: "array(...)", check: arraySource }

/** Without a name the one column is called `value`. */
function arraySource(env: Env, call: CallExpr): DataSource | undefined {
  const columns: { column: string; shape: readonly number[]; values: readonly number[] }[] = []
  let count: number | undefined
  if (call.args.length === 0)
    return refuse(env, call.span, "`array` needs rows: `array(x: [[1, 2], [3, 4]])`")
  for (const arg of call.args) {
    const value = evalExpr(env, arg.value)
    if (v.hasError(value)) return undefined
    const rows = rowsOf(value)
    if (!rows || rows.shape.length === 0)
      return refuse(env, arg.value.span, "rows are a list of numbers, or of lists of numbers of equal length")
    const [n = 0, ...shape] = rows.shape
    count ??= n
    if (n !== count)
      return refuse(env, arg.value.span, `this column has ${n} rows, and the first has ${count}`)
    const name = arg.name?.text ?? "value"
    if (columns.some(({ column }) => column === name))
      return refuse(env, arg.span, `the column "${name}" is given twice`)
    columns.push({ column: name, shape, values: rows.values })
  }
  return { kind: "array", columns }
}

function refuse(env: Env, span: Span, message: string): undefined {
  return badSource(env, span, message, "in this array")
}

/** Nested lists of one shape; undefined when they are ragged or hold something else. */
function rowsOf(value: Value): Rows | undefined {
  if (v.isNumber(value)) return { shape: [], values: [value.value] }
  if (value.kind === "bool") return { shape: [], values: [value.value ? 1 : 0] }
  if (value.kind !== "list") return undefined
  const parts = value.items.map(rowsOf)
  const first = parts[0]
  if (!first) return undefined
  const values: number[] = []
  for (const part of parts) {
    if (!part || part.shape.join() !== first.shape.join()) return undefined
    values.push(...part.values)
  }
  return { shape: [parts.length, ...first.shape], values }
}
