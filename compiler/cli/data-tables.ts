/** cli: the tables of a data set, read at once: the compiler is one function that never waits, so it cannot use
 *  runtime/data's `loadTables`, which does. The parsers are the same.
 *  Not here: fitting fields, formats. */
import type { DataSpec, SourceSpec } from "../../runtime/bundle/format.js"
import { parseCsv } from "../../runtime/data/csv.js"
import { parseIdx } from "../../runtime/data/idx.js"
import type { TableRows } from "../../runtime/data/load.js"
import { parseNpy } from "../../runtime/data/npy.js"
import { allRows, splitRows } from "../../runtime/data/split.js"
import { tableOf, type Table } from "../../runtime/data/table.js"
import { parseText } from "../../runtime/data/text.js"
import { inPart, reasonOf, RunError } from "../../runtime/error.js"

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
  const table = parse(name, source, (path) => readNamed(name, path, read))
  if (table.rows === 0) throw new RunError("data-empty", `${table.place} holds no rows`)
  return table
}

function parse(name: string, source: SourceSpec, read: Read): Table {
  switch (source.kind) {
    case "csv":
      return parseCsv(source.path, new TextDecoder().decode(read(source.path)), source.delimiter)
    case "text":
      return parseText(source.path, new TextDecoder().decode(read(source.path)), source)
    case "idx":
    case "npy": {
      const parseFile = source.kind === "idx" ? parseIdx : parseNpy
      return tableOf(
        `data set "${name}"`,
        source.files.map(({ column, path }) => parseFile(path, column, read(path))),
      )
    }
    case "array":
      return tableOf(
        `data set "${name}"`,
        source.columns.map(({ column, shape, values }) => ({
          name: column,
          shape,
          values: Float64Array.from(values),
        })),
      )
  }
}

function readNamed(name: string, path: string, read: Read): Uint8Array {
  try {
    return read(path)
  } catch (caught) {
    throw new RunError("data-file", `data set "${name}": ${path} cannot be read: ${reasonOf(caught)}`, {
      help: `\`--data ${name.replace(/\.test$/, "")}=PATH\` names another file`,
      cause: caught,
    })
  }
}
