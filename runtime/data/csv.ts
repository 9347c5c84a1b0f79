/** runtime/data: CSV text -> Table.
 *  Quoted cells ("a, ""b""") as in RFC 4180; lines end in LF, CRLF or CR; blank lines are skipped. The first row names the
 *  columns. Cells become numbers only when their column is asked for, so a text column that no field reads does no harm. */
import { RunError } from "../error.js"
import { missingColumn, type Column, type Table } from "./table.js"

interface Line {
  /** In the file, from 1. */
  readonly number: number
  readonly cells: readonly string[]
}

export function parseCsv(place: string, text: string, delimiter: string): Table {
  if (text.includes("\0"))
    throw new RunError("data-format", `${place} is not a text file: it holds zero bytes`, {
      help: "save the table as CSV in UTF-8",
    })
  const [header, ...lines] = splitCsv(place, text, delimiter)
  if (!header)
    throw new RunError("data-empty", `${place} is empty`, { help: "the first row names the columns" })
  const names = header.cells.map((cell) => cell.trim())
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined)
    throw new RunError("data-format", `${place}: the header names the column "${shortened(twice)}" twice`, {
      help: headerHelp(names, delimiter) ?? "give each column a name of its own in the first row",
    })
  if (lines.length === 0) throw new RunError("data-empty", `${place} has a header and no rows`)
  for (const { number, cells } of lines)
    if (cells.length !== names.length)
      throw new RunError(
        "data-ragged",
        `${place}: line ${number} has ${cells.length} cells, the header has ${names.length} columns`,
        {
          help:
            names.length === 1 ? `is "${delimiter}" the delimiter of this file?` : "repair or remove the row",
        },
      )
  const known = new Map<string, Column>()
  const indexOf = (name: string): number => {
    const index = names.indexOf(name)
    return index < 0 ? missingColumn(place, name, names, headerHelp(names, delimiter)) : index
  }
  const rowLabel = (row: number): string => `row ${row + 1} (line ${lines[row]!.number})`
  return {
    place,
    rows: lines.length,
    names,
    rowLabel,
    column(name) {
      const column = known.get(name) ?? {
        name,
        shape: [],
        values: numbersOf(place, name, indexOf(name), lines, rowLabel),
      }
      known.set(name, column)
      return column
    },
    texts(name) {
      const index = indexOf(name)
      return lines.map(({ cells }) => cells[index]!.trim())
    },
  }
}

/** What is probably wrong with the file when a column is not found. */
function headerHelp(names: readonly string[], delimiter: string): string | undefined {
  const other = [";", "\t", "|", ","].find((each) => each !== delimiter && names[0]?.includes(each))
  if (names.length === 1 && other !== undefined)
    return `is ${JSON.stringify(other)} the delimiter of this file? then say \`delimiter: ${JSON.stringify(other)}\``
  return names.every((name) => name !== "" && Number.isFinite(Number(name)))
    ? "the first row names the columns, and here it holds numbers: put a row of names above it"
    : undefined
}

function numbersOf(
  place: string,
  name: string,
  index: number,
  lines: readonly Line[],
  rowLabel: (row: number) => string,
): Float64Array {
  return Float64Array.from(lines, ({ cells }, row) => {
    const cell = cells[index]!.trim()
    const value = cell === "" ? NaN : Number(cell)
    if (Number.isFinite(value)) return value
    const what =
      cell === ""
        ? "is empty"
        : `is "${shortened(cell)}", which is not a ${Number.isNaN(value) ? "" : "finite "}number`
    throw new RunError("data-not-a-number", `${place}: ${rowLabel(row)}, column "${name}" ${what}`, {
      help:
        cell === ""
          ? "drop the row, fill the cell, or leave the column out of the field"
          : "leave the column out of the field, or number the different texts it holds: `|> categories(n)`",
    })
  })
}

/** A cell of a broken file may be as long as the file. */
const shortened = (cell: string): string => (cell.length <= 40 ? cell : `${cell.slice(0, 40)}…`)

function splitCsv(place: string, text: string, delimiter: string): Line[] {
  const lines: Line[] = []
  let at = text.startsWith("\uFEFF") ? 1 : 0
  let number = 1
  while (at < text.length) {
    const first = number
    const from = at
    const cells: string[] = []
    for (;;) {
      if (text[at] === '"') {
        const { cell, end, newlines } = quotedCell(place, text, at, number)
        cells.push(cell)
        number += newlines
        at = end
        if (at < text.length && !isLineEnd(text, at) && !text.startsWith(delimiter, at))
          throw new RunError("data-format", `${place}: line ${number} goes on after a closing quote`)
      } else {
        const end = cellEnd(text, at, delimiter)
        cells.push(text.slice(at, end))
        at = end
      }
      if (at >= text.length || isLineEnd(text, at)) break
      at += delimiter.length
    }
    const blank = cells.length === 1 && text.slice(from, at).trim() === ""
    if (text[at] === "\r" && text[at + 1] === "\n") at++
    at++
    number++
    if (!blank) lines.push({ number: first, cells })
  }
  return lines
}

const isLineEnd = (text: string, at: number): boolean => text[at] === "\n" || text[at] === "\r"

function cellEnd(text: string, from: number, delimiter: string): number {
  let at = from
  while (at < text.length && !isLineEnd(text, at) && !text.startsWith(delimiter, at)) at++
  return at
}

/** `from` is the opening quote; `end` is behind the closing one. A doubled quote stands for one. */
function quotedCell(
  place: string,
  text: string,
  from: number,
  line: number,
): { cell: string; end: number; newlines: number } {
  let end = from
  do {
    end = text.indexOf('"', end + 1)
    if (end < 0)
      throw new RunError("data-format", `${place}: the quote opened in line ${line} is never closed`)
    if (text[end + 1] === '"') end++
    else break
  } while (end > 0)
  const raw = text.slice(from + 1, end)
  return { cell: raw.replaceAll('""', '"'), end: end + 1, newlines: raw.split("\n").length - 1 }
}
