/** runtime/data: what `standardize`, `minmax`, `categories` and `vocabulary` need to know of the training rows.
 *  Guarantees: looks at the training rows alone. `standardize` uses the mean and the population standard deviation (divided
 *  by n, as in scikit-learn); a constant column keeps scale 1 and becomes 0.
 *  The compiler calls this; `UnfittedField` has the shape of its own type, which this room does not import. */
import type { BundleDType, FieldSpec, FittedStage } from "../bundle/format.js"
import { inPart } from "../error.js"
import { applyStage, gatherer } from "./apply.js"
import { fitCategories } from "./categories.js"
import type { Table } from "./table.js"
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
    else if (stage.kind === "standardize") fitted.push(standardize(eachRow(table, rows, columns, fitted)))
    else if (stage.kind === "categories") fitted.push(fitCategories(table, rows, columns, stage.count))
    else if (stage.kind === "minmax") fitted.push(minmax(eachRow(table, rows, columns, fitted)))
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
  // Asking for a column that is not there throws, with what this kind of table knows about it.
  for (const name of selection.names) if (!table.names.includes(name)) table.column(name)
  if (selection.kind === "only") return [...selection.names]
  return table.names.filter((name) => !selection.names.includes(name))
}

/** Calls back with every training row as the stages so far leave it. Can be walked more than once. */
type Walk = (visit: (values: Float64Array) => void) => void

function eachRow(
  table: Table,
  rows: Uint32Array,
  columns: readonly string[],
  stages: readonly FittedStage[],
): Walk {
  const gather = gatherer({ columns, stages }, table)
  return (visit) =>
    rows.forEach((row) => {
      const where = (): string => `${table.place}: ${table.rowLabel(row)}`
      visit(stages.reduce((values, stage) => applyStage(stage, values, where), gather.row(row)))
    })
}

/** Two passes: the mean, then squares of what is left, which stays exact for columns far from 0. */
function standardize(walk: Walk): FittedStage {
  let rows = 0
  const sum: number[] = []
  walk((values) => {
    rows++
    values.forEach((value, j) => (sum[j] = (sum[j] ?? 0) + value))
  })
  const mean = sum.map((total) => total / rows)
  const squares = mean.map(() => 0)
  walk((values) => values.forEach((value, j) => (squares[j]! += (value - mean[j]!) ** 2)))
  const scale = squares.map((total) => inverseOr1(Math.sqrt(total / rows)))
  return { kind: "affine", from: "standardize", scale, shift: mean.map((each, j) => -each * scale[j]!) }
}

function minmax(walk: Walk): FittedStage {
  const low: number[] = []
  const high: number[] = []
  walk((values) =>
    values.forEach((value, j) => {
      low[j] = Math.min(low[j] ?? value, value)
      high[j] = Math.max(high[j] ?? value, value)
    }),
  )
  const scale = low.map((least, j) => inverseOr1(high[j]! - least))
  return { kind: "affine", from: "minmax", scale, shift: low.map((least, j) => -least * scale[j]!) }
}

const inverseOr1 = (spread: number): number => (spread > 0 ? 1 / spread : 1)
