/** facts: reads the tables of a data set synchronously, as the compiler has to; runtime/data's `loadTables` is asynchronous. The parsers are
 *  the same.
 *  Not here: fitting fields, formats. */
import type { SourceSpec } from "../../runtime/bundle/format.js"
import type { DataFile } from "../../runtime/data/file.js"
import {
  parseSource,
  partsOf,
  unreadable,
  type Parts,
  type Sources,
  type TableRows,
} from "../../runtime/data/load.js"
import { filesOf } from "../../runtime/data/sources/index.js"
import type { Table, Uses } from "../../runtime/data/table.js"
import { inPart } from "../../runtime/error.js"

type Open = (path: string) => DataFile

export function readTables(
  { name, source, val, test, split, windows, where }: Sources,
  open: Open,
  uses: Uses,
): Parts<TableRows> {
  const table = inPart("source", () => readTable(name, source, open, uses))
  const apart = (part: "val" | "test", its: SourceSpec | null | undefined): Table | null =>
    its ? inPart(part, () => readTable(`${name}.${part}`, its, open, uses)) : null
  const held = { val: apart("val", val), test: apart("test", test) }
  return inPart("split", () =>
    partsOf(table, held, { split, ...(windows && { windows }), ...(where && { where }) }),
  )
}

function readTable(name: string, source: SourceSpec, open: Open, uses: Uses): Table {
  const keys = new Map(filesOf(name, source).map(({ key, path }) => [path, key]))
  return parseSource(
    name,
    source,
    (path) => {
      try {
        return open(path)
      } catch (caught) {
        throw unreadable(keys.get(path) ?? name, path, caught)
      }
    },
    uses,
  )
}
