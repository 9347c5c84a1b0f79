/** cli: the tables of a data set, read at once: the compiler is one function that never waits, so it cannot use
 *  runtime/data's `loadTables`, which does. The parsers are the same.
 *  Not here: fitting fields, formats. */
import type { DataSpec, SourceSpec } from "../../runtime/bundle/format.js"
import type { DataFile } from "../../runtime/data/file.js"
import { parseSource, partsOf, unreadable, type TableRows } from "../../runtime/data/load.js"
import { filesOf } from "../../runtime/data/sources/index.js"
import type { Table, Uses } from "../../runtime/data/table.js"
import { inPart } from "../../runtime/error.js"

type Open = (path: string) => DataFile

export function readTables(
  { name, source, test, split }: Pick<DataSpec, "name" | "source" | "test" | "split">,
  open: Open,
  uses: Uses,
): { readonly train: TableRows; readonly test: TableRows | null } {
  const table = inPart("source", () => readTable(name, source, open, uses))
  const apart = test && inPart("test", () => readTable(`${name}.test`, test, open, uses))
  return inPart("split", () => partsOf(table, apart, split))
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
