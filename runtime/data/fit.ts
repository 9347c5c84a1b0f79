/** runtime/data: fits the stages of fields on the training rows.
 *  Guarantees: looks at the training rows alone.
 *  The compiler calls this; `UnfittedField` has the shape of its own type, which this room does not import. */
import type { BundleDType, FieldSpec, FittedStage } from "../bundle/format.js"
import { inPart } from "../error.js"
import { eachBlock } from "./blocks.js"
import { fitStage } from "./stages/index.js"
import type { UnfittedStage, Walk } from "./stages/stage.js"
import type { DataFile } from "./file.js"
import type { Table } from "./table.js"
import { distinctSteps, stepsOf } from "./windows.js"

export interface UnfittedField {
  readonly name: string
  readonly type: { readonly dtype: BundleDType; readonly shape: readonly (number | object)[] }
  readonly columns:
    | { readonly kind: "all" }
    | { readonly kind: "only"; readonly names: readonly string[] }
    | { readonly kind: "except"; readonly names: readonly string[] }
  readonly stages: readonly UnfittedStage[]
  readonly window?: FieldSpec["window"]
}

/** `open`: files that stages name. */
export function fitFields(
  table: Table,
  trainRows: Uint32Array,
  fields: readonly UnfittedField[],
  open: Open = noFiles,
): FieldSpec[] {
  return fields.map((field) => inPart({ field: field.name }, () => fitField(table, trainRows, field, open)))
}

type Open = (path: string) => DataFile
const noFiles: Open = (path) => {
  throw new Error(`there is no ${path}`)
}

function fitField(ofTable: Table, ofRows: Uint32Array, field: UnfittedField, open: Open): FieldSpec {
  const { name, type, columns: selection, stages, window } = field
  const steps = stepsOf({ name, ...(window && { window }) }, ofTable, ofRows)
  const { table } = steps
  // Windows overlap: a row in several of them counts once.
  const rows = window ? distinctSteps(steps.rows) : steps.rows
  const columns = selectColumns(table, selection)
  const fitted: FittedStage[] = []
  const walkAfter =
    (before: readonly FittedStage[]): Walk =>
    (visit) =>
      eachBlock({ columns, stages: before }, table, rows, () => {}, visit)
  for (const stage of stages)
    fitted.push(
      fitStage(stage, {
        table,
        rows,
        columns,
        walk: walkAfter([...fitted]),
        walkColumns: walkAfter([]),
        open,
      }),
    )
  const shape = type.shape.map((size) => {
    if (typeof size !== "number") throw new Error(`field "${name}" has a size that is not a number`)
    return size
  })
  return { name, dtype: type.dtype, shape, columns, stages: fitted, ...(window && { window }) }
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
