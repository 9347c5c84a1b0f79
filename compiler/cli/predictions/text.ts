/** cli/predictions: rows of columns as CSV (RFC 4180), or as JSON lines. */
import { jsonText } from "../../source/visible.js"
import { type Cell, columnsOf, type Chunk, type OutColumn } from "./columns.js"

/** Makes lines of chunks, one after another. */
export type TextForm = () => (chunk: Chunk) => Iterable<string>

/** Columns of several values in a row are `NAME.0`, `NAME.1`, ... */
export const csvLines: TextForm = () => {
  let header = true
  return function* (chunk) {
    const columns = columnsOf(chunk)
    if (header) yield columns.flatMap((column) => namesOf(column).map(quoted)).join(",")
    header = false
    for (let row = 0; row < chunk.rows; row++)
      yield columns.flatMap((column) => cellsOf(column, row).map((cell) => quoted(String(cell)))).join(",")
  }
}

/** Columns of several values in a row are lists. Rows are counted from 0. */
export const jsonLines: TextForm = () => {
  let first = 0
  return function* (chunk) {
    const columns = columnsOf(chunk)
    for (let row = 0; row < chunk.rows; row++) {
      const cells = columns.map((column): [string, unknown] => {
        const values = cellsOf(column, row).map(jsonValue)
        return [column.name, column.width === 1 ? values[0] : values]
      })
      yield jsonText({ row: first + row, ...Object.fromEntries(cells) })
    }
    first += chunk.rows
  }
}

export const namesOf = ({ name, width }: OutColumn): string[] =>
  width === 1 ? [name] : Array.from({ length: width }, (_, i) => `${name}.${i}`)

const cellsOf = ({ width, type, at }: OutColumn, row: number): Cell[] =>
  Array.from({ length: width }, (_, place) => {
    const cell = at(row, place)
    return type === "f32" ? shortest(Number(cell)) : cell
  })

const quoted = (text: string): string =>
  /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text

/** The shortest digits that read back as the same f32: 0.1, where its value is 0.10000000149011612. */
function shortest(value: number): number {
  let found = Number(value.toPrecision(9))
  for (let digits = 8; digits >= 6; digits--) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) !== value) break
    found = short
  }
  return found
}

/** A text that is a number as JSON writes it is that number: an `id` of 17, but not of 017. */
function jsonValue(cell: Cell): Cell {
  if (typeof cell === "number") return cell
  const number = Number(cell)
  return cell !== "" && String(number) === cell && Number.isFinite(number) ? number : cell
}
