/** runtime/data: named columns over the same rows, whatever file they came from. */
import type { NumberArray } from "../exec/values.js"
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import { nearest } from "../suggest.js"
import type { Windows } from "./windows.js"
import type { Elements } from "./elements.js"
import type { DataFile } from "./file.js"

export interface Column {
  readonly name: string
  /** The shape of one row; [] for a plain number. */
  readonly shape: readonly number[]
  /** Row after row. Where there is `piece`, they are read anew each time. */
  readonly values: NumberArray
  /** Present where a column is not in memory: its values from one index to another, of `count`. */
  readonly piece?: (from: number, to: number) => NumberArray
  readonly count?: number
  /** Where they lie, row after row, of a column that is not in memory. */
  readonly inFile?: { readonly file: DataFile; readonly elements: Elements }
  /** How far apart rows begin in `values`, when rows share values; left out, each begins where the one before ends. */
  readonly stride?: number
}

/** A column of names: every different text once. */
export interface Texts {
  readonly distinct: readonly string[]
  /** Places in `distinct`, row after row. */
  readonly codes: Uint32Array
  /** Texts in a row. */
  readonly width: number
}

export interface Table {
  /** The file, for messages. */
  readonly place: string
  readonly rows: number
  readonly names: readonly string[]
  /** Throws a RunError when the column is not there or does not hold numbers. */
  column(name: string): Column
  /** The texts of a column that holds names. */
  texts(name: string): Texts
  /** Rows follow one another, and each shares values with this many after it: only a split in order keeps parts apart.
   *  Left out: rows are independent of each other. */
  readonly overlap?: number
  /** Where rows are windows over another table. */
  readonly windows?: Windows
  /** The times of the first and the last of a row's steps: rows that share a time stay in one part. */
  span?(row: number): readonly [begin: number, end: number]
  /** `d.csv: row 17 (line 18), column "x"`: rows count from 1. */
  where(row: number, column?: string): string
}

/** The uses of a column. An unused column is not read, so its faults do no harm. */
export interface Use {
  readonly numbers: boolean
  readonly texts: boolean
  /** A cell that is empty is NaN among the numbers. Absent: it is refused. */
  readonly missing?: boolean
}
export type Uses = (name: string) => Use

export const EVERY_USE: Uses = () => ({ numbers: true, texts: true })

export const isUsed = ({ numbers, texts }: Use): boolean => numbers || texts

export const columnText = (column: string | undefined): string =>
  column === undefined ? "" : `, column "${column}"`

interface Columns {
  /** Also of columns that nobody asked for. Left out: of `columns`. */
  readonly names?: readonly string[]
  /** The file that a column came from. Left out: `place` of the table. */
  readonly placeOf?: (name: string) => string
}

/** How many values a column has; none is read for it. */
export const valuesIn = (column: Column): number => column.count ?? column.values.length

/** A table of such columns. */
export function tableOf(
  place: string,
  columns: readonly Column[],
  { names = columns.map(({ name }) => name), placeOf = () => place }: Columns = {},
): Table {
  for (const { name, shape } of columns)
    if (product(shape) === 0)
      throw new RunError(
        "data-shape",
        `${place}: a row of "${name}" is [${shape.join(", ")}], which holds nothing`,
      )
  const rows = columns.map((column) => valuesIn(column) / product(column.shape))
  const different = rows.findIndex((count) => count !== rows[0])
  if (different >= 0)
    throw new RunError(
      "data-rows-differ",
      `${place}: column "${columns[different]!.name}" has ${rows[different]} rows, "${columns[0]!.name}" has ${rows[0]}`,
      { help: "columns belong together row by row: are these files of one set?" },
    )
  const byName = new Map(columns.map((column) => [column.name, column]))
  const column = (name: string): Column => byName.get(name) ?? missingColumn(place, name, names)
  return {
    place,
    rows: rows[0] ?? 0,
    names,
    column,
    texts: (name) => {
      const { values, shape } = column(name)
      const out = new TextColumn()
      values.forEach((value: number) => out.add(String(value)))
      return out.texts(product(shape))
    },
    where: (row, name) =>
      `${name === undefined || !byName.has(name) ? place : placeOf(name)}: row ${row + 1}${columnText(name)}`,
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

/** Texts that come one after another. */
export class TextColumn {
  private readonly places = new Map<string, number>()
  private codes = new Uint32Array(16)
  private length = 0

  add(text: string): void {
    this.set(this.length, text)
  }
  /** `at`: at most the number of texts so far. */
  set(at: number, text: string): void {
    let code = this.places.get(text)
    if (code === undefined) this.places.set(text, (code = this.places.size))
    if (at === this.codes.length) {
      const more = new Uint32Array(2 * at)
      more.set(this.codes)
      this.codes = more
    }
    this.codes[at] = code
    this.length = at + 1
  }
  /** The texts of the first `count` rows. */
  texts(width = 1, count = this.length): Texts {
    return { distinct: [...this.places.keys()], codes: this.codes.subarray(0, count), width }
  }
}
