/** runtime/data: DataSpec -> the rows of its fields, training and test apart. */
import type { DataSpec, FieldSpec, SourceSpec } from "../bundle/format.js"
import { reasonOf, RunError } from "../error.js"
import { applyField, type FieldRows } from "./apply.js"
import type { DataFile } from "./file.js"
import { isGzip, unpackGzip } from "./gzip.js"
import { allRows, splitRows, type SplitShares } from "./split.js"
import { inPieces } from "./pieces.js"
import { packField } from "./stored.js"
import { filesOf, readSource } from "./sources/index.js"
import { EVERY_USE, type Table, type Uses } from "./table.js"
import { usesOf } from "./uses.js"

export type { FieldRows }

/** Some rows of all fields of a data set. */
export interface Rows {
  readonly rows: number
  readonly fields: readonly FieldRows[]
}
export interface LoadedData {
  readonly train: Rows
  readonly test: Rows | null
}

/** Finds a data file; throws when there is none. */
export type OpenFile = (path: string) => Promise<DataFile>

export async function loadData(spec: DataSpec, open: OpenFile): Promise<LoadedData> {
  const { train, test } = await loadTables(spec, open, usesOf(spec.fields))
  return {
    train: applyFields(spec.fields, train.table, train.rows),
    test: test && applyFields(spec.fields, test.table, test.rows),
  }
}

/** A table and the rows of it that are meant. */
export interface TableRows {
  readonly table: Table
  readonly rows: Uint32Array
}

/** Reads the sources and splits them; what the compiler fits fields on. */
export async function loadTables(
  spec: Pick<DataSpec, "name" | "source" | "test" | "split">,
  open: OpenFile,
  uses: Uses = EVERY_USE,
): Promise<{ readonly train: TableRows; readonly test: TableRows | null }> {
  const { name, source, test, split } = spec
  const table = await loadTable(name, source, open, uses)
  if (test) return partsOf(table, await loadTable(`${name}.test`, test, open, uses), null)
  return partsOf(table, null, split)
}

export function partsOf(
  table: Table,
  test: Table | null,
  split: SplitShares | null,
): { readonly train: TableRows; readonly test: TableRows | null } {
  if (test || !split) return { train: everyRow(table), test: test && everyRow(test) }
  const rows = splitRows(table.rows, split, table.overlap)
  return {
    train: { table, rows: rows.train },
    test: rows.test.length > 0 ? { table, rows: rows.test } : null,
  }
}

export async function loadTable(
  name: string,
  source: SourceSpec,
  open: OpenFile,
  uses: Uses = EVERY_USE,
): Promise<Table> {
  const files = filesOf(name, source).map(async ({ key, path }): Promise<[string, DataFile]> => {
    try {
      return [path, await open(path)]
    } catch (caught) {
      throw caught instanceof RunError ? caught : unreadable(key, path, caught)
    }
  })
  const opened = new Map(await Promise.all(files))
  return parseSource(name, source, (path) => opened.get(path)!, uses)
}

export function applyFields(fields: readonly FieldSpec[], table: Table, rows: Uint32Array): Rows {
  return {
    rows: rows.length,
    fields: fields.flatMap((field) => {
      const { name, stored, pieces } = field
      const made = stored ? packField({ ...field, stored }, table, rows) : [applyField(field, table, rows)]
      return pieces
        ? made.flatMap((each) =>
            each.name === name ? inPieces(each, { ...field, pieces }, rows.length) : [each],
          )
        : made
    }),
  }
}

const everyRow = (table: Table): TableRows => ({ table, rows: allRows(table.rows) })

export function unreadable(key: string, path: string, caught: unknown): RunError {
  return new RunError(
    "data-file",
    `data set "${key.split(".")[0]}": ${path} cannot be read: ${reasonOf(caught)}`,
    { help: `\`--data ${key}=PATH\` names another file`, cause: caught },
  )
}

/** `open` gives each of its files; what is gzip is unpacked. Columns that nobody uses are not looked at. */
export function parseSource(
  name: string,
  source: SourceSpec,
  open: (path: string) => DataFile,
  uses: Uses = EVERY_USE,
): Table {
  const table = readSource(source, {
    name,
    open: (path) => {
      const file = open(path)
      return isGzip(file) ? { ...file, ...unpackGzip(path, file) } : file
    },
    uses,
  })
  if (table.rows === 0)
    throw new RunError("data-empty", `${table.place} holds no rows`, {
      help: "a data set has at least one row",
    })
  return table
}
