/** runtime/data: sources that are read as tables, which a host converted them to before. */
import type { SourceSpec } from "../../bundle/format.js"
import { RunError } from "../../error.js"
import { joinTables } from "../join-tables.js"
import { parseTableFile } from "../table-file.js"
import type { SourceKind } from "./source.js"

export type Converted = Extract<SourceSpec, { readonly tables?: readonly string[] }>

const isConverted = (tables: Converted["tables"]): tables is readonly string[] =>
  tables !== undefined && tables.length > 0

export const converted = {
  // Another file needs tables of its own.
  withPaths<S extends Converted>(source: S, path: (path: string) => string): S {
    const to = path(source.path)
    return to === source.path ? source : { ...source, path: to, tables: [] }
  },
  withFiles<S extends Converted>(source: S, file: (path: string) => string): S {
    return source.tables ? { ...source, tables: source.tables.map((table) => file(table)) } : source
  },
  read({ path, tables }, { open }) {
    if (!isConverted(tables))
      throw new RunError("data-unconverted", `${path} is read as a table, which it was not converted to`, {
        help: "the program is to be compiled with this path: `nnc compile --data NAME=PATH`",
      })
    return joinTables(
      path,
      tables.map((table) => parseTableFile(path, open(table))),
    )
  },
} satisfies SourceKind<Converted>
