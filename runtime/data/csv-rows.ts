/** runtime/data: the bytes of a CSV file -> the cells of its columns, row after row, in arrays by column. Numbers are read from the bytes
 *  where that gives exactly the number of the text; texts are made of the other cells only.
 *  Not here: the source of the bytes, the names of columns (csv.ts). */
import { RunError } from "../error.js"
import { isMissing, numberOf } from "./numbers.js"
import { FIRST_FULL, nearest } from "./decimal.js"
import { Lines } from "./parsed.js"
import { TextColumn, type Texts, type Use } from "./table.js"
import { decodeUtf8 } from "./utf8.js"

const LF = 10
const CR = 13
const SPACE = 32
const QUOTE = 34
const PLUS = 43
const MINUS = 45
const POINT = 46
const ZERO = 48
const UPPER_E = 69
const LOWER_E = 101

/** The first cell of a column that is no number. */
export interface Wrong {
  readonly row: number
  readonly cell: string
}

interface Cells {
  readonly missing: boolean
  numbers: Float64Array | undefined
  wrong: Wrong | undefined
  readonly texts: TextColumn | undefined
}

interface CellsRead {
  /** Undefined when a cell is wrong, or numbers were not asked for. */
  readonly numbers: Float64Array | undefined
  readonly wrong: Wrong | undefined
  readonly texts: Texts | undefined
}

export class CsvRows {
  names: readonly string[] | undefined
  /** The number of whole rows since the last restart. */
  count = 0
  /** Before them. */
  before = 0
  /** The line of the row that is read next. */
  line = 1
  lines = new Lines()

  private readonly delimiter: Uint8Array
  private readonly first: number
  /** The byte that may stand around a number. */
  private readonly space: number
  private columns: readonly (Cells | undefined)[] = []
  /** Rows that the arrays of numbers have room for. */
  private room = 0
  private bytesRead = 0
  /** Set by the readers of cells: the byte after the cell, and the line breaks within. */
  private at = 0
  private breaks = 0

  /** `used`: the uses of the columns of these names. */
  constructor(
    private readonly place: string,
    delimiter: string,
    private readonly fileBytes: number,
    private readonly used: (names: readonly string[]) => readonly Use[],
  ) {
    this.delimiter = new TextEncoder().encode(delimiter)
    this.first = this.delimiter[0]!
    this.space = this.first === SPACE ? -1 : SPACE
  }

  /** Reads the whole rows among the bytes before `end` and gives the place where the first row begins that is not whole. `last`: no
   *  bytes follow. The byte at `end` is overwritten. */
  parse(bytes: Uint8Array, end: number, last: boolean): number {
    bytes[end] = LF
    let from = 0
    while (from < end) {
      const next = this.row(bytes, from, end, last)
      if (next < 0) break
      from = next
    }
    this.bytesRead += from
    return from
  }

  /** Forgets the rows that were read, to go on with those after them. */
  restart(): void {
    const { names = [] } = this
    this.before += this.count
    this.count = 0
    this.room = 0
    this.lines = new Lines()
    this.columns = this.columnsFor(names)
  }

  /** The cells of a column; undefined when it was not asked for. */
  cellsOf(column: number): CellsRead | undefined {
    const cells = this.columns[column]
    return (
      cells && {
        numbers: cells.numbers?.subarray(0, this.count),
        wrong: cells.wrong,
        texts: cells.texts?.texts(1, this.count),
      }
    )
  }

  /** The byte after a row; -1 when it goes on after `end`. */
  private row(bytes: Uint8Array, from: number, end: number, last: boolean): number {
    const blank = this.blank(bytes, from)
    if (blank < end || (blank === end && last)) {
      const next = this.lineEnd(bytes, blank, end, last)
      if (next >= 0) this.line++
      return next
    }
    if (this.names === undefined) return this.header(bytes, from, end, last)
    const { columns } = this
    if (this.count === this.room) this.grow(this.bytesRead + from)
    let at = from
    let cell = 0
    let breaks = 0
    for (;;) {
      const cells = columns[cell]
      const next = this.cell(bytes, at, end, last, cells)
      if (next < 0) return -1
      breaks += this.breaks
      cell++
      if (this.endsLine(bytes, next)) {
        const after = this.lineEnd(bytes, next, end, last)
        if (after < 0) return -1
        if (cell !== columns.length) this.ragged(cell)
        this.lines.add(this.count, this.line)
        this.count++
        this.line += 1 + breaks
        return after
      }
      at = next + this.delimiter.length
    }
  }

  /** Reads a cell into its column and gives the byte after it; -1 when it goes on after `end`. */
  private cell(
    bytes: Uint8Array,
    from: number,
    end: number,
    last: boolean,
    cells: Cells | undefined,
  ): number {
    this.breaks = 0
    if (cells?.numbers !== undefined && cells.texts === undefined) {
      const value = this.number(bytes, from)
      if (value === value) {
        const { at } = this
        if (at === end ? last : this.ends(bytes, at, end)) {
          cells.numbers[this.count] = value
          return at
        }
      }
    }
    const next = bytes[from] === QUOTE ? this.quoted(bytes, from, end, last) : this.unquoted(bytes, from, end)
    if (next < 0 || (next === end && !last)) return -1
    if (cells !== undefined) this.keep(cells, bytes, from, next)
    return next
  }

  private keep(cells: Cells, bytes: Uint8Array, from: number, to: number): void {
    if (cells.texts === undefined && cells.wrong !== undefined) return
    const text = this.text(bytes, from, to)
    cells.texts?.set(this.count, text)
    if (cells.numbers === undefined) return
    const value = numberOf(text)
    if (value !== undefined && Number.isFinite(value)) cells.numbers[this.count] = value
    else if (cells.missing && isMissing(text)) cells.numbers[this.count] = NaN
    else {
      cells.wrong = { row: this.count, cell: text }
      cells.numbers = undefined
    }
  }

  /** A number that stands in the bytes, where it is exact; else NaN. `at` is after it and the spaces that follow. */
  private number(bytes: Uint8Array, from: number): number {
    let at = from
    let byte = bytes[at]!
    while (byte === this.space) byte = bytes[++at]!
    const negative = byte === MINUS
    if (negative || byte === PLUS) byte = bytes[++at]!
    let first = 0
    let rest = 0
    let restDigits = 0
    let begin = at
    while (byte >= ZERO && byte <= ZERO + 9) {
      if (first < FIRST_FULL) first = first * 10 + (byte - ZERO)
      else {
        rest = rest * 10 + (byte - ZERO)
        restDigits++
      }
      byte = bytes[++at]!
    }
    let digits = at - begin
    let exponent = 0
    if (byte === POINT) {
      begin = ++at
      byte = bytes[at]!
      while (byte >= ZERO && byte <= ZERO + 9) {
        if (first < FIRST_FULL) first = first * 10 + (byte - ZERO)
        else {
          rest = rest * 10 + (byte - ZERO)
          restDigits++
        }
        byte = bytes[++at]!
      }
      exponent = begin - at
      digits -= exponent
    }
    if (digits === 0) return NaN
    if (byte === LOWER_E || byte === UPPER_E) {
      byte = bytes[++at]!
      const below = byte === MINUS
      if (below || byte === PLUS) byte = bytes[++at]!
      begin = at
      let written = 0
      while (byte >= ZERO && byte <= ZERO + 9) {
        written = written * 10 + (byte - ZERO)
        byte = bytes[++at]!
      }
      if (at === begin) return NaN
      exponent += below ? -written : written
    }
    while (byte === this.space) byte = bytes[++at]!
    this.at = at
    const value = nearest(first, rest, restDigits, exponent)
    return negative ? -value : value
  }

  private unquoted(bytes: Uint8Array, from: number, end: number): number {
    const { first } = this
    let at = from
    for (;;) {
      const byte = bytes[at]!
      if (byte === LF || byte === CR || (byte === first && this.ends(bytes, at, end))) return at
      at++
    }
  }

  /** `from` is the opening quote; the byte after the closing one is given. A doubled quote stands for one. */
  private quoted(bytes: Uint8Array, from: number, end: number, last: boolean): number {
    let at = from
    do {
      at = bytes.indexOf(QUOTE, at + 1)
      if (at < 0 || at >= end) {
        if (!last) return -1
        throw new RunError(
          "data-format",
          `${this.place}: the quote opened in line ${this.line} is never closed`,
          { help: 'close it, or write `""` for a quote within a quoted cell' },
        )
      }
      if (bytes[at + 1] !== QUOTE || at + 1 >= end) break
      at++
    } while (at < end)
    at++
    for (let i = from; i < at; i++) if (bytes[i] === LF) this.breaks++
    if (at >= end || this.ends(bytes, at, end)) return Math.min(at, end)
    throw new RunError(
      "data-format",
      `${this.place}: line ${this.line + this.breaks} goes on after a closing quote`,
      { help: 'write `""` for a quote within a quoted cell' },
    )
  }

  /** The text of a cell without quotes and the spaces around it. */
  private text(bytes: Uint8Array, from: number, to: number): string {
    const where = (): string => `${this.place}: line ${this.line}`
    const text = decodeUtf8(bytes.subarray(from, to), where)
    return (bytes[from] === QUOTE ? text.slice(1, -1).replaceAll('""', '"') : text).trim()
  }

  /** Whether a cell ends at this byte: at a delimiter or the end of the line. */
  private ends(bytes: Uint8Array, at: number, end: number): boolean {
    const byte = bytes[at]
    if (byte === LF || byte === CR) return true
    if (byte !== this.first) return false
    const { delimiter } = this
    if (at + delimiter.length > end) return false
    for (let i = 1; i < delimiter.length; i++) if (bytes[at + i] !== delimiter[i]) return false
    return true
  }

  private endsLine(bytes: Uint8Array, at: number): boolean {
    return bytes[at] === LF || bytes[at] === CR
  }

  /** The byte after a line break; -1 when it may go on after `end`. */
  private lineEnd(bytes: Uint8Array, at: number, end: number, last: boolean): number {
    if (at >= end) return last ? end : -1
    if (bytes[at] !== CR) return at + 1
    if (at + 1 < end) return bytes[at + 1] === LF ? at + 2 : at + 1
    return last ? end : -1
  }

  /** The end of a line that holds nothing but spaces; Infinity for another one. */
  private blank(bytes: Uint8Array, from: number): number {
    let at = from
    while (bytes[at]! <= SPACE && bytes[at] !== this.first) {
      if (this.endsLine(bytes, at)) return at
      at++
    }
    return Infinity
  }

  private header(bytes: Uint8Array, from: number, end: number, last: boolean): number {
    const names: string[] = []
    let at = from
    let breaks = 0
    for (;;) {
      const next = this.cell(bytes, at, end, last, undefined)
      if (next < 0) return -1
      breaks += this.breaks
      names.push(this.text(bytes, at, next))
      if (this.endsLine(bytes, next)) {
        const after = this.lineEnd(bytes, next, end, last)
        if (after < 0) return -1
        this.line += 1 + breaks
        this.names = names
        this.columns = this.columnsFor(names)
        return after
      }
      at = next + this.delimiter.length
    }
  }

  private columnsFor(names: readonly string[]): readonly (Cells | undefined)[] {
    return this.used(names).map(({ numbers, texts, missing = false }) =>
      numbers || texts
        ? {
            missing,
            numbers: numbers ? new Float64Array() : undefined,
            wrong: undefined,
            texts: texts ? new TextColumn() : undefined,
          }
        : undefined,
    )
  }

  /** Room for as many rows as the file will have, going by those that were read. Memory that is not written to is not taken. */
  private grow(bytesRead: number): void {
    const { count } = this
    const expected = (Math.max(1, count) / bytesRead) * this.fileBytes
    this.room = Math.ceil(
      Math.max(count < FEW ? Math.min(expected, 2 * FEW) : 1.02 * expected, 1.125 * count + 1),
    )
    for (const cells of this.columns) {
      if (cells?.numbers === undefined) continue
      const larger = new Float64Array(this.room)
      larger.set(cells.numbers.subarray(0, count))
      cells.numbers = larger
    }
  }

  private ragged(cells: number): never {
    const expected = this.columns.length
    const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`
    throw new RunError(
      "data-ragged",
      `${this.place}: line ${this.line} has ${count(cells, "cell")}, the header has ${count(expected, "column")}`,
      {
        help:
          expected === 1
            ? `is ${JSON.stringify(new TextDecoder().decode(this.delimiter))} the delimiter of this file?`
            : "repair or remove the row",
      },
    )
  }
}

/** Rows after which the length of a row is known well enough. */
const FEW = 64
