/** runtime/data: DataSpec -> the rows of its fields, training and test apart. */
import type { DataSpec, FieldSpec, SourceSpec } from "../bundle/format.js"
import type { ReadFile } from "../bundle/decode.js"
import { reasonOf, RunError } from "../error.js"
import { applyField, type FieldRows } from "./apply.js"
import { parseCsv } from "./csv.js"
import { parseIdx } from "./idx.js"
import { parseJsonLines } from "./json-lines.js"
import { parseNpy } from "./npy.js"
import { parseNpz } from "./npz.js"
import { allRows, splitRows, type SplitShares } from "./split.js"
import { tableOf, type Table } from "./table.js"
import { parseText } from "./text.js"

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

export async function loadData(spec: DataSpec, readFile: ReadFile): Promise<LoadedData> {
  const { train, test } = await loadTables(spec, readFile)
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
  spec: {
    readonly name: string
    readonly source: SourceSpec
    readonly test: SourceSpec | null
    readonly split: SplitShares | null
  },
  readFile: ReadFile,
): Promise<{ readonly train: TableRows; readonly test: TableRows | null }> {
  const table = await loadTable(spec.name, spec.source, readFile)
  if (spec.test) {
    const test = await loadTable(`${spec.name}.test`, spec.test, readFile)
    return { train: everyRow(table), test: everyRow(test) }
  }
  if (!spec.split) return { train: everyRow(table), test: null }
  const { train, test } = splitRows(table.rows, spec.split, table.overlap)
  return { train: { table, rows: train }, test: test.length > 0 ? { table, rows: test } : null }
}

export async function loadTable(name: string, source: SourceSpec, readFile: ReadFile): Promise<Table> {
  const table = await readSource(name, source, readFile)
  if (table.rows === 0) throw new RunError("data-empty", `${table.place} holds no rows`)
  return table
}

export function applyFields(fields: readonly FieldSpec[], table: Table, rows: Uint32Array): Rows {
  return { rows: rows.length, fields: fields.map((field) => applyField(field, table, rows)) }
}

const everyRow = (table: Table): TableRows => ({ table, rows: allRows(table.rows) })

async function readSource(name: string, source: SourceSpec, readFile: ReadFile): Promise<Table> {
  const files = filesOf(name, source).map(async ({ key, path }): Promise<[string, Uint8Array]> => {
    try {
      return [path, await readFile(path)]
    } catch (caught) {
      throw unreadable(key, path, caught)
    }
  })
  const bytes = new Map(await Promise.all(files))
  return parseSource(name, source, (path) => bytes.get(path)!)
}

/** The files of a source, and what `--data` calls each. */
export function filesOf(name: string, source: SourceSpec): readonly { key: string; path: string }[] {
  switch (source.kind) {
    case "csv":
    case "jsonl":
    case "npz":
    case "text":
      return [{ key: name, path: source.path }]
    case "idx":
    case "npy":
      return source.files.map(({ column, path }) => ({ key: `${name}.${column}`, path }))
    case "array":
      return []
  }
}

export function unreadable(key: string, path: string, caught: unknown): RunError {
  return new RunError(
    "data-file",
    `data set "${key.split(".")[0]}": ${path} cannot be read: ${reasonOf(caught)}`,
    { help: `\`--data ${key}=PATH\` names another file`, cause: caught },
  )
}

/** `bytes` gives the content of each of its files. */
export function parseSource(name: string, source: SourceSpec, bytes: (path: string) => Uint8Array): Table {
  const text = (path: string): string => new TextDecoder().decode(bytes(path))
  switch (source.kind) {
    case "csv":
      return parseCsv(source.path, text(source.path), source.delimiter)
    case "jsonl":
      return parseJsonLines(source.path, text(source.path))
    case "npz":
      return parseNpz(source.path, bytes(source.path))
    case "text":
      return parseText(source.path, text(source.path), source)
    case "idx":
    case "npy": {
      const parse = source.kind === "idx" ? parseIdx : parseNpy
      return tableOf(
        `data set "${name}"`,
        source.files.map(({ column, path }) => parse(path, column, bytes(path))),
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
