/** runtime/data: CSV -> Table. Quoted cells ("a, ""b""") as in RFC 4180; lines end in LF, CRLF or CR; blank lines are skipped. The first
 *  row names the columns.
 *  Guarantees: the file is read once, in pieces; of the columns that are asked for there is an array each, and nothing else is kept.
 *              A cell that is no number is refused when its column is read.
 *  Not here:   the cells of a row (csv-rows.ts). */
import { RunError } from "../error.js"
import { CsvRows } from "./csv-rows.js"
import type { DataFile } from "./file.js"
import { numberHelp, numberOf, shortened } from "./numbers.js"
import { columnText, EVERY_USE, isUsed, type Column, type Table, type Texts, type Uses } from "./table.js"
import { lineOf, tableOfParsed, type Parsed } from "./parsed.js"
import { byteOrderMark } from "./utf8.js"

/** Bytes read at a time, and the most that a row may have. */
const PIECE = 1 << 20
const MOST_ROW = 1 << 26

export function parseCsv(place: string, file: DataFile, delimiter: string, uses: Uses = EVERY_USE): Table {
  checkDelimiter(place, delimiter)
  const parse = (): Parsed => parsed(place, file, delimiter, uses)
  const { remember } = file
  const read = remember ? remember(`csv ${delimiter}`, uses, parse) : parse()
  return tableOfParsed(place, read, headerHelp(read.names, delimiter))
}

/** Tables of the rows of a file, some at a time; each of them is read once. */
export function* csvParts(place: string, file: DataFile, delimiter: string, uses: Uses): Iterable<Table> {
  checkDelimiter(place, delimiter)
  const rows = rowsOf(place, file, delimiter, uses)
  for (const last of readPieces(place, file, rows)) {
    if (rows.count === 0 && !(last && rows.before === 0)) continue
    const part = parsedOf(place, rows)
    yield tableOfParsed(place, part, headerHelp(part.names, delimiter))
    rows.restart()
  }
}

function parsed(place: string, file: DataFile, delimiter: string, uses: Uses): Parsed {
  const rows = rowsOf(place, file, delimiter, uses)
  for (const _ of readPieces(place, file, rows));
  return parsedOf(place, rows)
}

function rowsOf(place: string, file: DataFile, delimiter: string, uses: Uses): CsvRows {
  return new CsvRows(place, delimiter, file.size, (names) => {
    const name = twice(names, uses)
    if (name === undefined) return names.map(uses)
    throw new RunError("data-format", `${place}: the header names the column "${shortened(name)}" twice`, {
      help: headerHelp(names, delimiter) ?? "give each column a name of its own in the first row",
    })
  })
}

/** The columns of the rows that were read since the last restart. */
function parsedOf(place: string, rows: CsvRows): Parsed {
  const { names, count, before: first, lines } = rows
  if (names === undefined)
    throw new RunError("data-empty", `${place} is empty`, { help: "the first row names the columns" })
  if (count === 0)
    throw new RunError("data-empty", `${place} has a header and no rows`, {
      help: "add rows below the header",
    })
  const numbers = new Map<string, Column>()
  const texts = new Map<string, Texts>()
  const wrong = new Map<string, RunError>()
  names.forEach((name, index) => {
    const cells = rows.cellsOf(index)
    if (cells?.numbers) numbers.set(name, { name, shape: [], values: cells.numbers })
    if (cells?.texts) texts.set(name, cells.texts)
    if (cells?.wrong) {
      const { row, cell } = cells.wrong
      const where = `${place}: row ${first + row + 1} (line ${lineOf(lines.jumps, row)})${columnText(name)}`
      wrong.set(name, notANumber(where, cell))
    }
  })
  return { names, rows: count, ...(first > 0 && { first }), jumps: lines.jumps, numbers, texts, wrong }
}

function checkDelimiter(place: string, delimiter: string): void {
  if (delimiter !== "" && !/[\r\n"\0\d+\-.eE]/.test(delimiter)) return
  throw new RunError(
    "bad-option",
    `${place}: the delimiter ${JSON.stringify(delimiter)} cannot stand between cells`,
    {
      help: 'it is a character such as "," or ";" or "\\t", not a line break, a quote or a part of a number',
    },
  )
}

/** After every piece, whether it was the last one. */
function* readPieces(place: string, file: DataFile, rows: CsvRows): Iterable<boolean> {
  let at = byteOrderMark(place, file)
  let buffer = new Uint8Array(Math.min(PIECE, file.size - at) + 1)
  let kept = 0
  do {
    const piece = Math.min(buffer.length - 1 - kept, file.size - at)
    const fresh = buffer.subarray(kept, kept + piece)
    file.read(at, fresh)
    if (fresh.includes(0))
      throw new RunError("data-format", `${place} is not a text file: it holds zero bytes`, {
        help: "save the table as CSV in UTF-8",
      })
    at += piece
    const end = kept + piece
    const next = rows.parse(buffer, end, at === file.size)
    kept = end - next
    if (next > 0) buffer.copyWithin(0, next, end)
    else if (at < file.size) {
      if (buffer.length > MOST_ROW)
        throw new RunError(
          "data-format",
          `${place}: line ${rows.line} goes on for more than ${MOST_ROW >> 20} MiB`,
          {
            help: "is a quote left open there?",
          },
        )
      const larger = new Uint8Array(2 * buffer.length)
      larger.set(buffer)
      buffer = larger
    }
    yield at === file.size
  } while (at < file.size)
}

/** A name that is given twice and asked for. */
function twice(names: readonly string[], uses: Uses): string | undefined {
  const seen = new Set<string>()
  return names.find((name) => {
    if (seen.has(name) && isUsed(uses(name))) return true
    seen.add(name)
    return false
  })
}

function notANumber(where: string, cell: string): RunError {
  if (numberOf(cell) !== undefined)
    return new RunError("data-range", `${where} is ${shortened(cell)}, which is beyond the numbers of f64`, {
      help: "write the column in a larger unit",
    })
  return new RunError(
    "data-not-a-number",
    `${where} ${cell === "" ? "is empty" : `is "${shortened(cell)}", which is not a number`}`,
    { help: numberHelp(cell) },
  )
}

/** The probable fault of the file when a column is not found. */
function headerHelp(names: readonly string[], delimiter: string): string | undefined {
  const other = [";", "\t", "|", ","].find((each) => each !== delimiter && names[0]?.includes(each))
  if (names.length === 1 && other !== undefined)
    return `is ${JSON.stringify(other)} the delimiter of this file? then say \`delimiter: ${JSON.stringify(other)}\``
  return names.every((name) => numberOf(name) !== undefined)
    ? "the first row names the columns, and here it holds numbers: put a row of names above it"
    : undefined
}
