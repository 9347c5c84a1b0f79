/** runtime/data: all sources. */
import type { SourceSpec } from "../../bundle/format.js"
import type { Table } from "../table.js"
import { array } from "./array.js"
import { csv } from "./csv.js"
import { idx } from "./idx.js"
import { jsonl } from "./jsonl.js"
import { npy } from "./npy.js"
import { npz } from "./npz.js"
import type { Reading, SourceKind } from "./source.js"
import { text } from "./text.js"

type Sources = { readonly [K in SourceSpec["kind"]]: SourceKind<Extract<SourceSpec, { readonly kind: K }>> }

const SOURCES: Sources = { csv, jsonl, npz, text, idx, npy, array }

const kindOf = ({ kind }: SourceSpec): SourceKind<SourceSpec> => SOURCES[kind]

export const readSource = (source: SourceSpec, reading: Reading): Table =>
  kindOf(source).read(source, reading)

/** The same source with other files. `key` is what `--data` calls a file of the data set `name`. */
export const withPaths = (
  name: string,
  source: SourceSpec,
  path: (path: string, key: string) => string,
): SourceSpec =>
  kindOf(source).withPaths(source, (each, column) =>
    path(each, column === undefined ? name : `${name}.${column}`),
  )

/** The files of a source, and what `--data` calls each. */
export function filesOf(name: string, source: SourceSpec): readonly { key: string; path: string }[] {
  const files: { key: string; path: string }[] = []
  withPaths(name, source, (path, key) => {
    files.push({ key, path })
    return path
  })
  return files
}
