/** runtime/data: all sources. */
import type { SourceSpec } from "../../bundle/format.js"
import { joinTables } from "../join-tables.js"
import { rowParts } from "../parts.js"
import type { Table } from "../table.js"
import { array } from "./array.js"
import { csv } from "./csv.js"
import { idx } from "./idx.js"
import { images } from "./images.js"
import { json } from "./json.js"
import { jsonl } from "./jsonl.js"
import { npy } from "./npy.js"
import { npz } from "./npz.js"
import { parquet } from "./parquet.js"
import { eachFile, type Reading, type SourceKind } from "./source.js"
import { text } from "./text.js"

type Sources = { readonly [K in SourceSpec["kind"]]: SourceKind<Extract<SourceSpec, { readonly kind: K }>> }

const SOURCES: Sources = { csv, jsonl, json, npz, parquet, text, idx, npy, array, images }

const kindOf = ({ kind }: SourceSpec): SourceKind<SourceSpec> => SOURCES[kind]

export function readSource(source: SourceSpec, reading: Reading): Table {
  const files = eachFile(source)
  if (files === undefined || !("path" in source)) return kindOf(source).read(source, reading)
  const tables = files.map((file) => readSource(file, reading))
  return joinTables(source.path, tables)
}

/** The same rows in tables one after another, each of a size that does not grow with the file. */
export function* readParts(source: SourceSpec, reading: Reading): Iterable<Table> {
  for (const each of eachFile(source) ?? [source]) {
    const kind = kindOf(each)
    yield* kind.readParts?.(each, reading) ?? rowParts(kind.read(each, reading), reading.uses)
  }
}

/** The same source with other paths. `key` is the name of a path of the data set `name` in `--data`. */
export const withPaths = (
  name: string,
  source: SourceSpec,
  path: (path: string, key: string) => string,
): SourceSpec =>
  kindOf(source).withPaths(source, (each, column) =>
    path(each, column === undefined ? name : `${name}.${column}`),
  )

/** The same source with other files to read. */
export const withFiles = (
  name: string,
  source: SourceSpec,
  file: (path: string, key: string) => string,
): SourceSpec =>
  kindOf(source).withFiles?.(source, (each) => file(each, name)) ?? withPaths(name, source, file)

/** The paths that a program names, and the name of each in `--data`. */
export const pathsOf = (name: string, source: SourceSpec): readonly Named[] => listed(withPaths, name, source)

/** The files that are read, and the name in `--data` of the path that each belongs to. */
export const filesOf = (name: string, source: SourceSpec): readonly Named[] => listed(withFiles, name, source)

interface Named {
  readonly key: string
  readonly path: string
}

function listed(replace: typeof withPaths, name: string, source: SourceSpec): readonly Named[] {
  const files: Named[] = []
  replace(name, source, (path, key) => {
    files.push({ key, path })
    return path
  })
  return files
}
