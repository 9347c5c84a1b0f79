/** runtime/data: a JSON file that is a list of objects, whose keys are the columns -> Table.
 *  Not here: a file with an object on each line (json-lines.ts), whose memory does not grow with it. */
import { reasonOf, RunError } from "../error.js"
import { bytesOf, type DataFile } from "./file.js"
import { keyTwice } from "./json-lines.js"
import { eachLine } from "./lines.js"
import { tableOfParsed, type Parsed } from "./parsed.js"
import { isRow, namesOf, RecordColumns } from "./records.js"
import { columnText, EVERY_USE, type Table, type Uses } from "./table.js"
import { byteOrderMark } from "./utf8.js"

/** Bytes of a file, which is one text of JavaScript. */
const MOST = 2 ** 29 - 2 ** 16

export function parseJsonArray(place: string, file: DataFile, uses: Uses = EVERY_USE): Table {
  const parse = (): Parsed => readArray(place, file, uses)
  const parsed = file.remember ? file.remember("json", uses, parse) : parse()
  return {
    ...tableOfParsed(place, parsed),
    where: (row, column) => `${whereRow(place, row)}${columnText(column)}`,
  }
}

const whereRow = (place: string, row: number): string => `${place}: row ${row + 1}`

function readArray(place: string, file: DataFile, uses: Uses): Parsed {
  const text = textOf(place, file)
  const rows = parsed(place, text)
  if (!Array.isArray(rows))
    throw new RunError("data-format", `${place} is no list of rows`, {
      help: 'it is written [{"x": 1}, {"x": 2}]; a file with an object on each line is read by `jsonl(...)`',
    })
  const key = keyTwice(text)
  if (key !== undefined)
    throw new RunError("data-format", `${place}: a row has the key ${JSON.stringify(key)} twice`, {
      help: "keep one of them: a key is the name of a column",
    })
  let columns: RecordColumns | undefined
  for (const [index, row] of rows.entries() as Iterable<[number, unknown]>) {
    if (!isRow(row))
      throw new RunError("data-format", `${whereRow(place, index)} is not a JSON object`, {
        help: 'a row is an object: {"x": [1, 2], "y": 0}',
      })
    columns ??= new RecordColumns(namesOf(row), uses, (at) => whereRow(place, at))
    columns.add(row)
  }
  if (!columns) throw new RunError("data-empty", `${place} is an empty list`, { help: "a row is an object" })
  return columns.parsed([])
}

function textOf(place: string, file: DataFile): string {
  if (file.size > MOST)
    throw new RunError("data-too-large", `${place} is too large to be read at once (${file.size} bytes)`, {
      help: "write an object on each line, and read it by `jsonl(...)`, which may be of any size",
    })
  byteOrderMark(place, file)
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(file))
  } catch (caught) {
    // Reading it again by lines says in which one it is.
    eachLine(place, file, () => {})
    throw caught
  }
}

function parsed(place: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (caught) {
    const at = /at position (\d+)/.exec(reasonOf(caught))?.[1]
    const line = at === undefined ? "" : `: line ${text.slice(0, Number(at)).split("\n").length}`
    throw new RunError("data-format", `${place}${line} is not JSON`, {
      help: "it is cut off, or has a mistake: another program that writes JSON makes none",
    })
  }
}
