/** runtime/data: JSON lines -> Table: one object per line, its keys the columns. Blank lines are skipped. */
import { RunError } from "../error.js"
import { tableOfRecords, type Row } from "./records.js"
import type { Table } from "./table.js"

interface Line {
  /** In the file, from 1. */
  readonly number: number
  readonly row: Row
}

export function parseJsonLines(place: string, text: string): Table {
  const lines = linesOf(place, text)
  const [first] = lines
  if (!first)
    throw new RunError("data-empty", `${place} is empty`, { help: "a row is one JSON object per line" })
  return tableOfRecords(
    place,
    Object.keys(first.row),
    lines.map(({ row }) => row),
    (row) => `row ${row + 1} (line ${lines[row]!.number})`,
  )
}

function linesOf(place: string, text: string): Line[] {
  return text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .flatMap((line, i) => {
      if (line.trim() === "") return []
      const row = parsed(place, line, i + 1)
      if (typeof row !== "object" || row === null || Array.isArray(row))
        throw new RunError("data-format", `${place}: line ${i + 1} is not a JSON object`, {
          help: 'a row is one object per line: {"x": [1, 2], "y": 0}',
        })
      return [{ number: i + 1, row: row as Row }]
    })
}

function parsed(place: string, line: string, number: number): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new RunError("data-format", `${place}: line ${number} is not JSON`, {
      help: "a row is one JSON object per line, without commas between lines",
    })
  }
}
