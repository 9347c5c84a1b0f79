/** runtime/data: JSON lines -> Table: one object per line, its keys the columns. Blank lines are skipped.
 *  Guarantees: lines are read one after another, and only the columns that are asked for are kept. */
import { RunError } from "../error.js"
import type { DataFile } from "./file.js"
import { eachLine, linePieces } from "./lines.js"
import { isRow, namesOf, RecordColumns, type Row } from "./records.js"
import { lineOf, Lines, tableOfParsed, type Parsed } from "./parsed.js"
import { EVERY_USE, type Table, type Uses } from "./table.js"

export function parseJsonLines(place: string, file: DataFile, uses: Uses = EVERY_USE): Table {
  const parse = (): Parsed => readLines(place, file, uses)
  return tableOfParsed(place, file.remember ? file.remember("jsonl", uses, parse) : parse())
}

/** Tables of the rows of a file, some at a time; each of them is read once. */
export function* jsonLinesParts(place: string, file: DataFile, uses: Uses): Iterable<Table> {
  const rows = new Rows(place, uses)
  for (const _ of linePieces(place, file, rows.read))
    if (rows.count > 0) yield tableOfParsed(place, rows.taken())
  if (rows.first === 0) throw rows.empty()
}

function readLines(place: string, file: DataFile, uses: Uses): Parsed {
  const rows = new Rows(place, uses)
  eachLine(place, file, rows.read)
  if (rows.count === 0) throw rows.empty()
  return rows.taken()
}

/** Rows that are read one after another. Their keys are the columns; one that the first row does not have may be missing in others too. */
class Rows {
  /** Rows since they were last taken, and before. */
  count = 0
  first = 0
  private lines = new Lines()
  private names: readonly string[] | undefined
  private columns: RecordColumns | undefined

  constructor(
    private readonly place: string,
    private readonly uses: Uses,
  ) {}

  readonly read = (line: string, number: number): void => {
    if (line.trim() === "") return
    const row = parsed(`${this.place}: line ${number}`, line)
    const { place, first, lines } = this
    lines.add(this.count++, number)
    this.names ??= namesOf(row)
    this.columns ??= new RecordColumns(
      this.names,
      this.uses,
      (at) => `${place}: row ${first + at + 1} (line ${lineOf(lines.jumps, at)})`,
    )
    this.columns.add(row)
  }

  taken(): Parsed {
    const { columns, lines, first } = this
    if (!columns) throw this.empty()
    this.first += this.count
    this.count = 0
    this.lines = new Lines()
    this.columns = undefined
    const parsed = columns.parsed(lines.jumps)
    this.names = parsed.names
    return { ...parsed, ...(first > 0 && { first }) }
  }

  empty(): RunError {
    return new RunError("data-empty", `${this.place} is empty`, { help: "a row is one JSON object per line" })
  }
}

function parsed(where: string, line: string): Row {
  let row: unknown
  try {
    row = JSON.parse(line)
  } catch {
    throw new RunError("data-format", `${where} is not JSON`, {
      help: "a row is one JSON object per line, without commas between lines",
    })
  }
  if (!isRow(row))
    throw new RunError("data-format", `${where} is not a JSON object`, {
      help: 'a row is one object per line: {"x": [1, 2], "y": 0}',
    })
  const key = keyTwice(line)
  if (key === undefined) return row
  throw new RunError("data-format", `${where} has the key ${JSON.stringify(key)} twice`, {
    help: "keep one of them: a key is the name of a column",
  })
}

/** A key that an object of a JSON text has twice, of which JSON.parse keeps the second one. */
export function keyTwice(json: string): string | undefined {
  const objects: Set<string>[] = []
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === "{") objects.push(new Set())
    else if (character === "}") objects.pop()
    else if (character === '"') {
      const end = stringEnd(json, at)
      let next = end
      while (json[next] === " " || json[next] === "\t") next++
      if (json[next] === ":") {
        const key = JSON.parse(json.slice(at, end)) as string
        const keys = objects.at(-1)!
        if (keys.has(key)) return key
        keys.add(key)
      }
      at = end - 1
    }
  }
  return undefined
}

/** The place after the string that begins at a quote. */
function stringEnd(json: string, quote: number): number {
  let at = quote + 1
  while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1
  return at + 1
}
