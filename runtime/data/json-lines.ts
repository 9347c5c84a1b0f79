/** runtime/data: JSON lines -> Table: one object per line, its keys the columns. Blank lines are skipped.
 *  Guarantees: lines are read one after another, and only the columns that are asked for are kept. */
import { RunError } from "../error.js"
import type { DataFile } from "./file.js"
import { eachLine } from "./lines.js"
import { isRow, namesOf, RecordColumns, type Row } from "./records.js"
import { lineOf, Lines, tableOfParsed, type Parsed } from "./parsed.js"
import { EVERY_USE, type Table, type Uses } from "./table.js"

export function parseJsonLines(place: string, file: DataFile, uses: Uses = EVERY_USE): Table {
  const parse = (): Parsed => readLines(place, file, uses)
  return tableOfParsed(place, file.remember ? file.remember("jsonl", uses, parse) : parse())
}

function readLines(place: string, file: DataFile, uses: Uses): Parsed {
  const lines = new Lines()
  const where = (row: number): string => `${place}: row ${row + 1} (line ${lineOf(lines.jumps, row)})`
  let rows = 0
  let columns: RecordColumns | undefined
  eachLine(place, file, (line, number) => {
    if (line.trim() === "") return
    const row = parsed(`${place}: line ${number}`, line)
    lines.add(rows++, number)
    columns ??= new RecordColumns(namesOf(row), uses, where)
    columns.add(row)
  })
  if (!columns)
    throw new RunError("data-empty", `${place} is empty`, { help: "a row is one JSON object per line" })
  return columns.parsed(lines.jumps)
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
function keyTwice(json: string): string | undefined {
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
