/** runtime/data: what `standardize`, `minmax`, `categories` and `vocabulary` need to know of the training rows.
 *  Guarantees: looks at the training rows alone. `standardize` uses the mean and the population standard deviation (divided
 *  by n, as in scikit-learn); a constant column keeps scale 1 and becomes 0.
 *  The compiler calls this; `UnfittedField` has the shape of its own type, which this room does not import. */
import type { BundleDType, FieldSpec, FittedStage } from "../bundle/format.js"
import { inPart, RunError } from "../error.js"
import { notFinite } from "./apply.js"
import { eachBlock, type Block } from "./blocks.js"
import { fitCategories } from "./categories.js"
import { columnText, type Table } from "./table.js"
import { fitVocabulary } from "./vocabulary.js"

export interface UnfittedField {
  readonly name: string
  readonly type: { readonly dtype: BundleDType; readonly shape: readonly (number | object)[] }
  readonly columns:
    | { readonly kind: "all" }
    | { readonly kind: "only"; readonly names: readonly string[] }
    | { readonly kind: "except"; readonly names: readonly string[] }
  readonly stages: readonly (
    | { readonly kind: "standardize" }
    | { readonly kind: "minmax" }
    | { readonly kind: "scale"; readonly by: number }
    | { readonly kind: "one_hot"; readonly classes: number }
    | { readonly kind: "classes"; readonly count: number }
    | { readonly kind: "categories"; readonly count: number }
    | { readonly kind: "slice"; readonly from: number; readonly to: number }
    | { readonly kind: "vocabulary"; readonly size: number }
  )[]
}

export function fitFields(
  table: Table,
  trainRows: Uint32Array,
  fields: readonly UnfittedField[],
): FieldSpec[] {
  return fields.map((field) => inPart({ field: field.name }, () => fitField(table, trainRows, field)))
}

function fitField(
  table: Table,
  rows: Uint32Array,
  { name, type, columns: selection, stages }: UnfittedField,
): FieldSpec {
  const columns = selectColumns(table, selection)
  const fitted: FittedStage[] = []
  for (const stage of stages) {
    if (stage.kind === "scale") fitted.push({ kind: "affine", from: "scale", scale: [stage.by], shift: [0] })
    else if (stage.kind === "standardize")
      fitted.push(standardize(table, rows.length, eachRow(table, rows, columns, fitted)))
    else if (stage.kind === "categories") fitted.push(fitCategories(table, rows, columns, stage.count))
    else if (stage.kind === "minmax") fitted.push(minmax(table, eachRow(table, rows, columns, fitted)))
    // Of whole rows, also where the field takes a slice: fields of the same text number its characters alike.
    else if (stage.kind === "vocabulary")
      fitted.push(fitVocabulary(table.place, stage.size, eachRow(table, rows, columns, [])))
    else fitted.push(stage)
  }
  const shape = type.shape.map((size) => {
    if (typeof size !== "number") throw new Error(`field "${name}" has a size that is not a number`)
    return size
  })
  return { name, dtype: type.dtype, shape, columns, stages: fitted }
}

export function selectColumns(table: Table, selection: UnfittedField["columns"]): string[] {
  if (selection.kind === "all") return [...table.names]
  const known = new Set(table.names)
  // Asking for a column that is not there throws, with what this kind of table knows about it.
  for (const name of selection.names) if (!known.has(name)) table.column(name)
  if (selection.kind === "only") return [...selection.names]
  const except = new Set(selection.names)
  return table.names.filter((name) => !except.has(name))
}

/** Calls back with every training row, block by block, as the stages so far leave it. Can be walked more than once. */
type Walk = (visit: (block: Block) => void) => void

const eachRow =
  (table: Table, rows: Uint32Array, columns: readonly string[], stages: readonly FittedStage[]): Walk =>
  (visit) =>
    eachBlock({ columns, stages }, table, rows, () => {}, visit)

interface Range {
  readonly low: readonly number[]
  readonly spread: readonly number[]
}

/** Of each value of a row, all of which are finite. */
function rangesOf(table: Table, walk: Walk): Range {
  const low: number[] = []
  const high: number[] = []
  let columnAt: Block["columnAt"] = () => undefined
  walk((block) => {
    const { values, width } = block
    columnAt = block.columnAt
    for (let i = 0, j = 0; i < values.length; i++, j = j + 1 === width ? 0 : j + 1) {
      const value = values[i]!
      if (!Number.isFinite(value)) notFinite(block.where(i), value)
      if (!(value >= low[j]!)) low[j] = value
      if (!(value <= high[j]!)) high[j] = value
    }
  })
  const spread = low.map((least, j) => high[j]! - least)
  const wrong = spread.findIndex((each) => !Number.isFinite(each))
  if (wrong < 0) return { low, spread }
  throw new RunError(
    "data-range",
    `${table.place}${columnText(columnAt(wrong))}: the training rows go from ${low[wrong]} to ${high[wrong]}, which is too far to be scaled`,
    { help: "repair the rows that hold these values" },
  )
}

/** Sums are made of (value - least) / spread, so that they neither overflow nor lose what columns far from 0 differ in. */
function standardize(table: Table, rows: number, walk: Walk): FittedStage {
  const { low, spread } = rangesOf(table, walk)
  const unit = spread.map(inverseOr1)
  const sum = low.map(() => 0)
  const each = (visit: (place: number, value: number) => void): void =>
    walk(({ values, width }) => {
      for (let i = 0, j = 0; i < values.length; i++, j = j + 1 === width ? 0 : j + 1)
        visit(j, (values[i]! - low[j]!) * unit[j]!)
    })
  each((j, value) => (sum[j]! += value))
  const mean = sum.map((total) => total / rows)
  const squares = low.map(() => 0)
  each((j, value) => (squares[j]! += (value - mean[j]!) ** 2))
  const center = low.map((least, j) => least + mean[j]! / unit[j]!)
  const scale = squares.map((total, j) => {
    const deviation = Math.sqrt(total / rows) / unit[j]!
    // What is not more than the rounding of a value is no spread.
    return deviation > Number.EPSILON * Math.abs(center[j]!) ? inverseOr1(deviation) : 1
  })
  return { kind: "affine", from: "standardize", scale, shift: center.map((at, j) => -at * scale[j]!) }
}

function minmax(table: Table, walk: Walk): FittedStage {
  const { low, spread } = rangesOf(table, walk)
  const scale = spread.map(inverseOr1)
  return { kind: "affine", from: "minmax", scale, shift: low.map((least, j) => -least * scale[j]!) }
}

/** 1 where there is no spread. */
function inverseOr1(spread: number): number {
  const inverse = 1 / spread
  return Number.isFinite(inverse) ? inverse : 1
}
