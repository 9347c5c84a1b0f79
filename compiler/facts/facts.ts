/** facts: the facts about a data set that compilation needs: its number of rows, and the fitted description of its fields.
 *  Assumes:    its files are in memory or on disk: the compiler is synchronous.
 *  Not here:   where files come from (cli/host.ts, browser/host.ts), formats (runtime/data). */
import type { DataSpec, FieldSpec, SplitSpec, WindowsSpec } from "../../runtime/bundle/format.js"
import { checkField } from "../../runtime/data/apply.js"
import { checkCounts } from "../../runtime/data/bounds.js"
import type { DataFile } from "../../runtime/data/file.js"
import { drawWeights } from "../../runtime/data/draws.js"
import { fitFields } from "../../runtime/data/fit.js"
import { storageFor } from "../../runtime/data/stored.js"
import { usesOf } from "../../runtime/data/uses.js"
import { inPart, type RunError } from "../../runtime/error.js"
import { product } from "../../runtime/exec/size.js"
import type { ValueRange } from "../check/doubts/ranges.js"
import type { DataContext, DataFacts } from "../driver/compile.js"
import type { DataSet, Split, Windows } from "../ir/model/types.js"
import type { Diagnostic } from "../source/diagnostic.js"
import { readTables } from "./tables.js"

/** The description of a data set as its declaration gives it, no field fitted yet. `fold`: which one is for validation. */
export const specOf = (
  { name, source, val, test, split, windows, where }: DataSet,
  fold?: number,
): DataSpec => ({
  name,
  source,
  ...(val && { val }),
  test,
  split: split && splitSpec(split, fold),
  ...(windows && { windows: windowsSpec(windows) }),
  ...(where && { where }),
  fields: [],
})

const windowsSpec = ({ length, stride, order, group }: Windows): WindowsSpec => ({
  length,
  stride,
  ...(order !== null && { order }),
  ...(group !== null && { group }),
})

const splitSpec = (
  { train, val, test, seed, folds, stratify, group }: Split,
  fold: number | undefined,
): SplitSpec => ({
  train,
  ...(val > 0 && { val }),
  test,
  seed,
  ...(folds !== null && { folds, fold: Math.min(fold ?? 1, folds) }),
  ...(stratify !== null && { stratify }),
  ...(group !== null && { group }),
})

/** Values of a field that are read twice, to be found wrong while compiling; larger fields are checked when they are loaded. */
const MANY = 50_000_000

/** Reads, splits and fits a data set. `open` gives the files of `spec`. Throws RunError for what is wrong with them. */
export function dataFacts(
  set: DataSet,
  spec: DataSpec,
  { bounds, ranged, draws }: DataContext,
  open: (path: string) => DataFile,
): DataFacts {
  const { train, val, test } = readTables(spec, open, usesOf(set.fields, spec, draws))
  const heldBack = [val, test].filter((part) => part !== null)
  const parts = [train, ...heldBack]
  const fields = fitFields(train.table, train.rows, set.fields, open).map((field): FieldSpec => {
    const bound = bounds.get(field.name)
    return bound ? { ...field, bounds: bound } : field
  })
  for (const draw of draws) inPart("draw", () => drawWeights(train, draw))
  for (const field of fields) inPart({ field: field.name }, () => checkCounts(field))
  const ranges = new Map<string, ValueRange>()
  // Rows that loading would refuse are found now, with their place in the program.
  for (const { table, rows } of parts)
    for (const field of fields)
      if (rows.length * product(field.shape) <= MANY)
        checkField(field, table, rows, ranged.has(field.name) ? seen(ranges, field.name) : undefined)
  return {
    trainRows: train.rows.length,
    ranges,
    heldRows: heldBack.length === 0 ? null : Math.max(...heldBack.map(({ rows }) => rows.length)),
    spec: {
      ...spec,
      fields: fields.map((field) => {
        const stored = storageFor(field, parts)
        return stored ? { ...field, stored } : field
      }),
    },
  }
}

/** Widens the range of a field by each value that it gets. */
function seen(ranges: Map<string, ValueRange>, field: string): (value: number) => void {
  let { min, max, whole } = ranges.get(field) ?? { min: Infinity, max: -Infinity, whole: true }
  return (value) => {
    if (value >= min && value <= max && (!whole || Number.isInteger(value))) return
    min = Math.min(min, value)
    max = Math.max(max, value)
    whole &&= Number.isInteger(value)
    ranges.set(field, { min, max, whole })
  }
}

/** A diagnostic at the part of the declaration that met the error. */
export function asDiagnostic({ code, message, help, part }: RunError, { place }: DataContext): Diagnostic {
  const primary = part && place(part)
  return {
    code,
    severity: "error",
    message,
    ...(primary && { primary }),
    ...(help === undefined ? {} : { help }),
  }
}
