/** runtime/data: named columns over the same rows, whatever file they came from. */
import type { NumberArray } from "../exec/values.js"
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import { nearest } from "../suggest.js"

export interface Column {
  readonly name: string
  /** Of one row; a plain number is []. */
  readonly shape: readonly number[]
  /** Row after row. */
  readonly values: NumberArray
  /** How far apart rows begin in `values`, when rows share values; left out, each begins where the one before ends. */
  readonly stride?: number
}

export interface Table {
  /** The file, for messages. */
  readonly place: string
  readonly rows: number
  readonly names: readonly string[]
  /** Throws a RunError when the column is not there or does not hold numbers. */
  column(name: string): Column
  /** What stands in the column, one text per row and value: for columns that hold names. */
  texts(name: string): readonly string[]
  /** Rows follow one another, and each shares values with this many after it: only a split in order keeps parts apart.
   *  Left out: rows are independent of each other. */
  readonly overlap?: number
  /** `row 17 (line 18)`: rows count from 1. */
  rowLabel(row: number): string
}

/** A table of columns already in memory. */
export function tableOf(place: string, columns: readonly Column[]): Table {
  const rows = columns.map(({ values, shape }) => values.length / product(shape))
  const different = rows.findIndex((count) => count !== rows[0])
  if (different >= 0)
    throw new RunError(
      "data-rows-differ",
      `${place}: column "${columns[different]!.name}" has ${rows[different]} rows, "${columns[0]!.name}" has ${rows[0]}`,
      { help: "columns belong together row by row: are these files of one set?" },
    )
  const byName = new Map(columns.map((column) => [column.name, column]))
  const names = columns.map(({ name }) => name)
  const column = (name: string): Column => byName.get(name) ?? missingColumn(place, name, names)
  return {
    place,
    rows: rows[0] ?? 0,
    names,
    column,
    texts: (name) => Array.from(column(name).values, String),
    rowLabel: (row) => `row ${row + 1}`,
  }
}

export function missingColumn(place: string, name: string, names: readonly string[], known?: string): never {
  const help = known ?? nearest(name, names)
  throw new RunError(
    "data-missing-column",
    `${place} has no column "${name}"`,
    help === undefined ? {} : { help },
  )
}
