/** runtime/data: rows as objects, whose keys are the columns -> Table. A value is a number, true or false, a text (for
 *  `categories`), or lists of them of one shape. */
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import { numberHelp } from "./numbers.js"
import {
  columnText,
  EVERY_USE,
  missingColumn,
  TextColumn,
  type Column,
  type Table,
  type Use,
  type Uses,
} from "./table.js"

export type Row = Readonly<Record<string, unknown>>

export const isRow = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && !isList(value)

export const namesOf = (row: Row): readonly string[] => Object.keys(row)

export function tableOfRecords(place: string, names: readonly string[], rows: readonly Row[]): Table {
  const columns = new RecordColumns(place, names, EVERY_USE, (row) => `${place}: row ${row + 1}`)
  for (const row of rows) columns.add(row)
  return columns.table()
}

/** Takes rows one after another, and keeps what is asked of them. What is wrong with a column is said when it is read. */
export class RecordColumns {
  private readonly columns: ReadonlyMap<string, RecordColumn>
  private rows = 0

  constructor(
    private readonly place: string,
    private readonly names: readonly string[],
    uses: Uses,
    /** The place of a row; the first is 0. */
    private readonly where: (row: number) => string,
  ) {
    const used = names.map((name): [string, Use] => [name, uses(name)])
    this.columns = new Map(used.map(([name, use]) => [name, new RecordColumn(name, use)]))
  }

  add(row: Row): void {
    const number = this.rows++
    const where = (): string => this.where(number)
    for (const [name, column] of this.columns) {
      if (!column.used) continue
      if (Object.hasOwn(row, name) && row[name] !== undefined) column.add(row[name], where)
      else
        column.fail(
          new RunError("data-ragged", `${where()} has no "${name}"`, {
            help: `every row has ${this.names.map((each) => `"${each}"`).join(", ")}`,
          }),
        )
    }
  }

  table(): Table {
    const { place, names, rows } = this
    const columnOf = (name: string): RecordColumn =>
      this.columns.get(name) ?? missingColumn(place, name, names)
    return {
      place,
      rows,
      names,
      where: (row, column) => `${this.where(row)}${columnText(column)}`,
      column: (name) => columnOf(name).column(),
      texts: (name) => columnOf(name).textsOf(),
    }
  }
}

/** Lists within lists; the language has no tensors of more axes. */
const MOST_AXES = 16

class RecordColumn {
  private shape: readonly number[] | undefined
  private values = new Float64Array(16)
  private length = 0
  private readonly texts = new TextColumn()
  /** What is wrong with the column, and with its numbers. */
  private wrong: RunError | undefined
  private notNumbers: RunError | undefined

  constructor(
    private readonly name: string,
    private readonly use: Use,
  ) {}

  /** False when nothing more can come of it. */
  get used(): boolean {
    return (this.use.numbers || this.use.texts) && this.wrong === undefined
  }
  fail(wrong: RunError): void {
    this.wrong ??= wrong
  }

  add(value: unknown, where: () => string): void {
    const shape = shapeOf(value)
    this.shape ??= shape
    if (shape === undefined)
      this.fail(
        new RunError("data-ragged", `${where()}, "${this.name}" is nested in more than ${MOST_AXES} lists`, {
          help: "a value is a number, or lists of numbers of one shape",
        }),
      )
    else if (shape.join() !== this.shape!.join())
      this.fail(
        new RunError(
          "data-ragged",
          `${where()}, "${this.name}" is [${shape.join(", ")}], and in the first row [${this.shape!.join(", ")}]`,
          { help: "the values of a column have one shape" },
        ),
      )
    else this.addLeaves(value, 0, where)
  }

  private addLeaves(value: unknown, axis: number, where: () => string): void {
    const size = this.shape![axis]
    if (size === undefined) return this.addLeaf(value, where)
    const length = isList(value) ? value.length : undefined
    if (length !== size)
      return this.fail(
        new RunError(
          "data-ragged",
          `${where()}, "${this.name}" has ${length === undefined ? `${shown(value)} where` : `a list of ${length} where`} others are lists of ${size}`,
          { help: "the lists of a value have one length, as the rows of a matrix" },
        ),
      )
    for (const each of Array.from(value as ArrayLike<unknown>)) this.addLeaves(each, axis + 1, where)
  }

  private addLeaf(leaf: unknown, where: () => string): void {
    if (isList(leaf) || isRow(leaf))
      return this.fail(
        new RunError(
          "data-not-a-number",
          `${where()}, "${this.name}" holds ${shown(leaf)} where others are values`,
          {
            help: "a value is a number, or lists of numbers of one shape",
          },
        ),
      )
    if (this.use.texts) this.texts.add(leaf === null ? "" : String(leaf).trim())
    if (!this.use.numbers || this.notNumbers) return
    const number = typeof leaf === "boolean" ? Number(leaf) : leaf
    if (typeof number !== "number" || !Number.isFinite(number)) {
      this.notNumbers = new RunError(
        "data-not-a-number",
        `${where()}, "${this.name}" holds ${shown(leaf)}, which is not a ${typeof number === "number" ? "finite " : ""}number`,
        { help: typeof leaf === "string" ? numberHelp(leaf) : "drop the row, or replace the value" },
      )
      return
    }
    if (this.length === this.values.length) {
      const more = new Float64Array(2 * this.length)
      more.set(this.values)
      this.values = more
    }
    this.values[this.length++] = number
  }

  column(): Column {
    const wrong = this.wrong ?? this.notNumbers
    if (wrong) throw wrong
    return { name: this.name, shape: this.shape ?? [], values: this.values.subarray(0, this.length) }
  }
  textsOf(): ReturnType<TextColumn["texts"]> {
    if (this.wrong) throw this.wrong
    return this.texts.texts(product(this.shape ?? []))
  }
}

/** Of the first value in each list; undefined when there are too many axes. */
function shapeOf(value: unknown): readonly number[] | undefined {
  const shape: number[] = []
  for (let inner = value; isList(inner); inner = inner[0]) {
    if (shape.length === MOST_AXES) return undefined
    shape.push(inner.length)
  }
  return shape
}

/** A few characters of a value, which may be nested deeply. */
function shown(value: unknown): string {
  if (isList(value)) return `a list of ${value.length}`
  if (isRow(value)) return "an object"
  if (typeof value === "number" || value === undefined) return String(value)
  return JSON.stringify(value).slice(0, 40)
}

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))
