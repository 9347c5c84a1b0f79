/** cli: the tables of a data set, read at once: the compiler is one function that never waits, so it cannot use
 *  runtime/data's `loadTables`, which does. The parsers are the same.
 *  Not here: fitting fields, formats. */
import type { DataSpec, SourceSpec } from "../../runtime/bundle/format.js"
import { filesOf, parseSource, unreadable, type TableRows } from "../../runtime/data/load.js"
import { allRows, splitRows } from "../../runtime/data/split.js"
import type { Table } from "../../runtime/data/table.js"
import { inPart, RunError } from "../../runtime/error.js"

type Read = (path: string) => Uint8Array

export function readTables(
  { name, source, test, split }: Pick<DataSpec, "name" | "source" | "test" | "split">,
  read: Read,
): { readonly train: TableRows; readonly test: TableRows | null } {
  const table = inPart("source", () => readTable(name, source, read))
  if (test) {
    const apart = inPart("test", () => readTable(`${name}.test`, test, read))
    return { train: everyRow(table), test: everyRow(apart) }
  }
  if (!split) return { train: everyRow(table), test: null }
  const rows = inPart("split", () => splitRows(table.rows, split, table.overlap))
  return {
    train: { table, rows: rows.train },
    test: rows.test.length > 0 ? { table, rows: rows.test } : null,
  }
}

const everyRow = (table: Table): TableRows => ({ table, rows: allRows(table.rows) })

function readTable(name: string, source: SourceSpec, read: Read): Table {
  const keys = new Map(filesOf(name, source).map(({ key, path }) => [path, key]))
  const table = parseSource(name, source, (path) => {
    try {
      return read(path)
    } catch (caught) {
      throw unreadable(keys.get(path) ?? name, path, caught)
    }
  })
  if (table.rows === 0) throw new RunError("data-empty", `${table.place} holds no rows`)
  return table
}
