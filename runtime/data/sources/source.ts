/** runtime/data: the interface of every source of data. */
import type { SourceSpec } from "../../bundle/format.js"
import type { DataFile } from "../file.js"
import { isUsed, tableOf, type Column, type Table, type Uses } from "../table.js"

export interface SourceKind<S extends SourceSpec> {
  /** The same with other paths. `path` is asked for each that the program names, `column` is the one that it is of, where it is not of all. */
  withPaths(source: S, path: (path: string, column?: string) => string): S
  /** The same with other files to read. Left out: those that the program names are read. */
  withFiles?(source: S, file: (path: string) => string): S
  read(source: S, reading: Reading): Table
  /** The same rows in tables one after another. Left out: parts of the table that `read` gives. */
  readParts?(source: S, reading: Reading): Iterable<Table>
}

export interface Reading {
  /** The name of the data set, for messages. */
  readonly name: string
  /** One of its files, unpacked. */
  open(path: string): DataFile
  /** The same for reading once, from front to end: packed files need not be in memory. */
  pass(path: string): DataFile
  /** Columns that nobody uses need not be looked at. */
  readonly uses: Uses
}

type OneFile = Extract<SourceSpec, { readonly path: string }>
type FilePerColumn = Extract<SourceSpec, { readonly files: unknown }>

export const oneFile = {
  withPaths: <S extends OneFile>(source: S, path: (path: string) => string): S => ({
    ...source,
    path: path(source.path),
  }),
}

export type SeveralFiles = Extract<SourceSpec, { readonly parts?: readonly string[] }>

/** A file, or those that a pattern matches, which a host has looked for: each is read by itself. */
export const severalFiles = {
  withPaths<S extends SeveralFiles>(source: S, path: (path: string) => string): S {
    const to = path(source.path)
    return to === source.path ? source : { ...source, path: to, parts: [] }
  },
  withFiles<S extends SeveralFiles>(source: S, file: (path: string) => string): S {
    const { parts = [] } = source
    return parts.length > 0
      ? { ...source, parts: parts.map((part) => file(part)) }
      : { ...source, path: file(source.path) }
  },
}

/** A source for each file; undefined where it is one. */
export function eachFile(source: SourceSpec): readonly SourceSpec[] | undefined {
  if (!("parts" in source) || source.parts === undefined || source.parts.length === 0) return undefined
  return source.parts.map((path) => ({ ...source, path, parts: [] }))
}

export const filePerColumn = {
  withPaths: <S extends FilePerColumn>(source: S, path: (path: string, column: string) => string): S => ({
    ...source,
    files: source.files.map((file) => ({ ...file, path: path(file.path, file.column) })),
  }),
}

/** A file for each column. */
export const tableOfFiles = (
  files: FilePerColumn["files"],
  { name, open, uses }: Reading,
  parse: (place: string, column: string, file: DataFile) => Column,
): Table => {
  const paths = new Map(files.map(({ column, path }) => [column, path]))
  return tableOf(
    `data set "${name}"`,
    files
      .filter(({ column }) => isUsed(uses(column)))
      .map(({ column, path }) => parse(path, column, open(path))),
    { names: [...paths.keys()], placeOf: (column) => paths.get(column)! },
  )
}
