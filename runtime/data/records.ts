/** runtime/data: rows as objects, whose keys are the columns -> Table. A value is a number, true or false, a text (for
 *  `categories`), or lists of them of one shape. */
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import { isMissing, numberHelp } from "./numbers.js"
import {
  columnText,
  EVERY_USE,
  TextColumn,
  type Column,
  type Table,
  type Texts,
  type Use,
  type Uses,
} from "./table.js"
import { tableOfParsed, type Jump, type Parsed } from "./parsed.js"

export type Row = Readonly<Record<string, unknown>>

export const isRow = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && !isList(value)

export const namesOf = (row: Row): readonly string[] => Object.keys(row)

export function tableOfRecords(
  place: string,
  names: readonly string[],
  rows: readonly Row[],
  uses: Uses = EVERY_USE,
): Table {
  const where = (row: number): string => `${place}: row ${row + 1}`
  const columns = new RecordColumns(names, uses, where)
  for (const row of rows) columns.add(row)
  return {
    ...tableOfParsed(place, columns.parsed([])),
    where: (row, column) => `${where(row)}${columnText(column)}`,
  }
}

/** Takes rows one after another, and keeps the columns that are asked for. A fault of a column is reported when the column is read. */
export class RecordColumns {
  private readonly columns: Map<string, RecordColumn>
  private rows = 0

  constructor(
    private names: readonly string[],
    private readonly uses: Uses,
    /** The place of a row; the first is 0. */
    private readonly where: (row: number) => string,
  ) {
    const used = names.map((name): [string, Use] => [name, uses(name)])
    this.columns = new Map(used.map(([name, use]) => [name, new RecordColumn(name, use)]))
  }

  add(row: Row): void {
    const number = this.rows++
    const where = (): string => this.where(number)
    for (const name of Object.keys(row)) if (!this.columns.has(name)) this.addColumn(name, number)
    for (const [name, column] of this.columns) {
      if (!column.used) continue
      if (Object.hasOwn(row, name) && row[name] !== undefined) column.add(row[name], where)
      else if (column.mayBeMissing) column.add(null, where)
      else this.failMissing(name, column, where())
    }
  }

  /** One that rows before did not have. */
  private addColumn(name: string, rows: number): void {
    const column = new RecordColumn(name, this.uses(name))
    this.names = [...this.names, name]
    this.columns.set(name, column)
    for (let row = 0; row < rows; row++) {
      if (column.mayBeMissing) column.add(null, () => this.where(row))
      else return this.failMissing(name, column, this.where(row))
    }
  }

  private failMissing(name: string, column: RecordColumn, where: string): void {
    column.fail(
      new RunError("data-ragged", `${where} has no "${name}"`, {
        help: `every row has ${this.names.map((each) => `"${each}"`).join(", ")}`,
      }),
    )
  }

  parsed(jumps: readonly Jump[]): Parsed {
    const numbers = new Map<string, Column>()
    const texts = new Map<string, Texts>()
    const wrong = new Map<string, RunError>()
    for (const [name, column] of this.columns) {
      const read = column.read()
      if (read.numbers) numbers.set(name, read.numbers)
      if (read.texts) texts.set(name, read.texts)
      if (read.wrong) wrong.set(name, read.wrong)
    }
    return { names: this.names, rows: this.rows, jumps, numbers, texts, wrong }
  }
}

/** Lists within lists; the language has no tensors of more axes. */
const MOST_AXES = 16

class RecordColumn {
  private shape: readonly number[] | undefined
  private values = new Float64Array(16)
  private length = 0
  private readonly texts = new TextColumn()
  /** The fault of the column, or of its numbers. */
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
  get mayBeMissing(): boolean {
    return this.use.missing === true
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
    const isNone = leaf === null || (typeof leaf === "string" && isMissing(leaf))
    const number = this.mayBeMissing && isNone ? NaN : typeof leaf === "boolean" ? Number(leaf) : leaf
    const isNumber = typeof number === "number" && (Number.isFinite(number) || this.mayBeMissing)
    if (!isNumber) {
      this.notNumbers = new RunError(
        "data-not-a-number",
        `${where()}, "${this.name}" holds ${shown(leaf)}, which is not a ${typeof number === "number" ? "finite " : ""}number`,
        {
          help: isNone
            ? numberHelp("")
            : typeof leaf === "string"
              ? numberHelp(leaf)
              : "drop the row, or replace the value",
        },
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

  read(): {
    readonly numbers: Column | undefined
    readonly texts: Texts | undefined
    readonly wrong: RunError | undefined
  } {
    const { name, use, shape = [], wrong, notNumbers } = this
    return {
      numbers:
        use.numbers && !wrong && !notNumbers
          ? { name, shape, values: this.values.subarray(0, this.length) }
          : undefined,
      texts: use.texts && !wrong ? this.texts.texts(product(shape)) : undefined,
      wrong: wrong ?? notNumbers,
    }
  }
}

/** The shape, by the first value in each list; undefined when there are too many axes. */
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
