/** runtime/data: the arrays by column that reading a text file gives, which a host may keep for the next time -> Table. */
import type { RunError } from "../error.js"
import { columnText, isUsed, missingColumn, type Column, type Table, type Texts, type Uses } from "./table.js"

/** From this row on, lines are one after the other. */
export interface Jump {
  readonly row: number
  readonly line: number
}

export interface Parsed {
  readonly names: readonly string[]
  readonly rows: number
  /** Rows of the file before these; absent: none. */
  readonly first?: number
  readonly jumps: readonly Jump[]
  /** The numbers of the columns that were asked for. */
  readonly numbers: ReadonlyMap<string, Column>
  readonly texts: ReadonlyMap<string, Texts>
  /** Columns that are not as they were asked for. */
  readonly wrong: ReadonlyMap<string, RunError>
}

/** Gives the kept result of an earlier reading of a file, or reads it. `how`: all that the result depends on besides the file. */
export type Remember = (how: string, uses: Uses, parse: () => Parsed) => Parsed

export function isEnough({ names, numbers, texts, wrong }: Parsed, uses: Uses): boolean {
  return names.every((name) => {
    const use = uses(name)
    return (
      !isUsed(use) ||
      wrong.has(name) ||
      ((!use.numbers || numbers.has(name)) && (!use.texts || texts.has(name)))
    )
  })
}

/** `missing`: the probable reason when a column is not there. */
export function tableOfParsed(place: string, parsed: Parsed, missing?: string): Table {
  const { names, rows, first = 0, jumps, numbers, texts, wrong } = parsed
  const known = new Set(names)
  const found = <T>(name: string, columns: ReadonlyMap<string, T>): T => {
    if (!known.has(name)) missingColumn(place, name, names, missing)
    const column = columns.get(name)
    if (column !== undefined) return column
    throw wrong.get(name) ?? new Error(`the column ${name} was not asked for`)
  }
  return {
    place,
    rows,
    names,
    where: (row, column) =>
      `${place}: row ${first + row + 1} (line ${lineOf(jumps, row)})${columnText(column)}`,
    column: (name) => found(name, numbers),
    texts: (name) => found(name, texts),
  }
}

export function lineOf(jumps: readonly Jump[], row: number): number {
  let low = 0
  let high = jumps.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (jumps[middle]!.row <= row) low = middle
    else high = middle - 1
  }
  const jump = jumps[low] ?? { row: 0, line: 1 }
  return jump.line + row - jump.row
}

/** Lines of rows that come one after another. */
export class Lines {
  readonly jumps: Jump[] = []
  add(row: number, line: number): void {
    const last = this.jumps.at(-1)
    if (last === undefined || last.line - last.row !== line - row) this.jumps.push({ row, line })
  }
}
