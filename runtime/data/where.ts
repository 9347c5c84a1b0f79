/** runtime/data: the rows of a table for which a `where` condition holds.
 *  A cell compares as a number with a number, and as a text with a text, by code units, so that dates written 2026-01-31 compare as
 *  dates. An empty cell is neither less nor greater than anything, and equals only another empty cell. */
import type { ConditionSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import { nearest } from "../suggest.js"
import { isMissing } from "./numbers.js"
import type { Table } from "./table.js"

type Cell = Extract<ConditionSpec, { readonly kind: "cell" }>
type Comparison = Cell["is"]

/** The cells of columns that it reads. */
export const cellsOf = (condition: ConditionSpec): readonly Cell[] =>
  condition.kind === "cell" ? [condition] : condition.of.flatMap(cellsOf)

export function rowsWhere(table: Table, condition: ConditionSpec): Uint32Array {
  const holds = holding(table, condition)
  const rows = new Uint32Array(holds.reduce((sum, each) => sum + each, 0))
  let next = 0
  holds.forEach((each, row) => void (each === 1 && (rows[next++] = row)))
  if (rows.length > 0) return rows
  throw new RunError("data-empty", `${table.place}: of ${table.rows} rows none takes part`, {
    help: helpOf(table, condition),
  })
}

/** 1 for each row that it holds of. */
function holding(table: Table, condition: ConditionSpec): Uint8Array {
  if (condition.kind === "cell")
    return typeof condition.value === "number"
      ? byNumber(table, condition, condition.value)
      : byText(table, condition, condition.value)
  const [first, ...others] = condition.of.map((each) => holding(table, each))
  const out = first ?? new Uint8Array(table.rows).fill(1)
  for (const other of others)
    for (let row = 0; row < out.length; row++)
      out[row] = condition.kind === "all" ? out[row]! & other[row]! : out[row]! | other[row]!
  return out
}

function byNumber(table: Table, { column, is }: Cell, value: number): Uint8Array {
  const { shape, values } = table.column(column)
  requireOne(table, column, product(shape))
  const holds = COMPARE[is]
  const out = new Uint8Array(table.rows)
  for (let row = 0; row < out.length; row++) out[row] = holds(values[row]!, value) ? 1 : 0
  return out
}

function byText(table: Table, { column, is }: Cell, value: string | null): Uint8Array {
  const { distinct, codes, width } = table.texts(column)
  requireOne(table, column, width)
  const holds = distinct.map((text) => {
    if (value === null) return isMissing(text) === (is === "==")
    return isMissing(text) && text !== value ? is === "!=" : COMPARE[is](text, value)
  })
  return Uint8Array.from(codes, (code) => (holds[code] ? 1 : 0))
}

const COMPARE: Readonly<Record<Comparison, <T extends number | string>(a: T, b: T) => boolean>> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
}

function requireOne({ place }: Table, column: string, width: number): void {
  if (width === 1) return
  throw new RunError("data-shape", `${place}: a row of "${column}" has ${width} values`, {
    help: "`where` compares a column with one value in each row",
  })
}

function helpOf(table: Table, condition: ConditionSpec): string {
  if (condition.kind === "cell" && typeof condition.value === "string") {
    const { column, value } = condition
    const help = nearest(
      value,
      table.texts(column).distinct.filter((text) => !isMissing(text)),
    )
    if (help !== undefined) return `in the column "${column}" ${help}`
  }
  return "loosen the condition, or leave it out"
}
