/** runtime/data: DataSpec -> tables and the rows of its parts. */
import type { DataSpec, SourceSpec } from "../bundle/format.js"
import { inPart, reasonOf, RunError } from "../error.js"
import { NotLoaded, type DataFile } from "./file.js"
import { gunzipped, isGzip, unpackGzip } from "./gzip.js"
import { isZstd, unpackZstd, unzstd } from "./zstd.js"
import type { Part } from "./shares.js"
import { allRows, splitRows, type Splittable } from "./split.js"
import { inPassing, lengthOf } from "./in-passing.js"
import { filesOf, readParts, readSource } from "./sources/index.js"
import type { Reading } from "./sources/source.js"
import { rowsWhere } from "./where.js"
import { windowed } from "./windows.js"
import { EVERY_USE, TextColumn, type Table, type Uses } from "./table.js"

/** There are always rows for training. */
export interface Parts<T> extends Readonly<Record<Part, T | null>> {
  readonly train: T
}

/** Finds a data file; throws when there is none. */
export type OpenFile = (path: string) => Promise<DataFile>

/** A table and the rows of it that are meant. */
export interface TableRows {
  readonly table: Table
  readonly rows: Uint32Array
}

/** Where the rows of a data set come from. */
export type Sources = Pick<DataSpec, "name" | "source" | "val" | "test" | "split" | "windows" | "where">

/** Reads the sources and splits them, for the compiler to fit fields on. */
export async function loadTables(
  { name, source, val, test, split, windows, where }: Sources,
  open: OpenFile,
  uses: Uses = EVERY_USE,
): Promise<Loaded> {
  const table = await loadTable(name, source, open, uses)
  const apart = {
    val: val ? await loadTable(`${name}.val`, val, open, uses) : null,
    test: test && (await loadTable(`${name}.test`, test, open, uses)),
  }
  return partsOf(table, apart, { split, ...(windows && { windows }), ...(where && { where }) })
}

export interface Loaded extends Parts<TableRows> {
  /** Rows that `where` leaves out, of all sources. */
  readonly leftOut: number
}

/** `apart`: the parts that have a source of their own. */
export function partsOf(
  source: Table,
  apart: { readonly val: Table | null; readonly test: Table | null },
  { split, windows, where }: Pick<Sources, "split" | "windows" | "where">,
): Loaded {
  let leftOut = 0
  const made = (each: Table): TableRows => {
    const rows = where ? inPart("where", () => rowsWhere(each, where)) : allRows(each.rows)
    leftOut += each.rows - rows.length
    if (!windows) return { table: each, rows }
    const table = inPart("windows", () => windowed(each, windows, rows))
    return { table, rows: allRows(table.rows) }
  }
  const all = made(source)
  const parts = split ? splitRows(ofRows(all), split) : undefined
  const heldBack = (part: "val" | "test"): TableRows | null =>
    apart[part] ? made(apart[part]) : parts && parts[part].length > 0 ? some(all, parts[part]) : null
  return {
    train: parts ? some(all, parts.train) : all,
    val: heldBack("val"),
    test: heldBack("test"),
    leftOut,
  }
}

/** The rows of a table at some places. */
const some = ({ table, rows }: TableRows, places: Uint32Array): TableRows => ({
  table,
  rows: rows.length === table.rows ? places : places.map((place) => rows[place]!),
})

/** A table as a split sees it, of some of its rows. */
function ofRows({ table, rows }: TableRows): Splittable {
  if (rows.length === table.rows) return table
  return {
    rows: rows.length,
    texts(name) {
      const { distinct, codes, width } = table.texts(name)
      const own = new TextColumn()
      for (const row of rows)
        for (let at = row * width; at < (row + 1) * width; at++) own.add(distinct[codes[at]!]!)
      return own.texts(width)
    },
    where: (row, column) => table.where(rows[row]!, column),
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
  const parse = (): Table => parseSource(name, source, (path) => opened.get(path)!, uses)
  try {
    return parse()
  } catch (caught) {
    if (!(caught instanceof NotLoaded)) throw caught
    await Promise.all([...opened.values()].map((file) => file.load?.()))
    return parse()
  }
}

export function unreadable(key: string, path: string, caught: unknown): RunError {
  return new RunError(
    "data-file",
    `data set "${key.split(".")[0]}": ${path} cannot be read: ${reasonOf(caught)}`,
    {
      help: /[*?].*[/\\]/.test(path)
        ? "`*` and `?` stand for characters of a file's name, not of a folder"
        : `\`--data ${key}=PATH\` names another file`,
      cause: caught,
    },
  )
}

function unpacked(path: string, file: DataFile): DataFile {
  const unpack = isGzip(file) ? unpackGzip : isZstd(file) ? unpackZstd : undefined
  if (unpack === undefined) return file
  const { remember } = file
  return { ...unpack(path, file), ...(remember && { remember }) }
}

/** The first pass over the file finds how long its content is, and whether it is whole. */
function passed(path: string, file: DataFile): DataFile {
  const unpack = isGzip(file) ? gunzipped : isZstd(file) ? unzstd : undefined
  if (unpack === undefined) return file
  const pieces = (): Generator<Uint8Array, void> => unpack(path, file)
  return inPassing(lengthOf(pieces()), pieces)
}

/** Both ways to open the files of a source. */
const unpacking = (open: (path: string) => DataFile): Pick<Reading, "open" | "pass"> => ({
  open: (path) => unpacked(path, open(path)),
  pass: (path) => passed(path, open(path)),
})

/** `open` gives each of its files; compressed files are unpacked. Unused columns are not read. */
export function parseSource(
  name: string,
  source: SourceSpec,
  open: (path: string) => DataFile,
  uses: Uses = EVERY_USE,
): Table {
  const table = readSource(source, { name, ...unpacking(open), uses })
  if (table.rows === 0)
    throw new RunError("data-empty", `${table.place} holds no rows`, {
      help: "a data set has at least one row",
    })
  return table
}

/** The same rows in tables one after another, each of a size that does not grow with the file. */
export const parseParts = (
  name: string,
  source: SourceSpec,
  open: (path: string) => DataFile,
  uses: Uses,
): Iterable<Table> => readParts(source, { name, ...unpacking(open), uses })
