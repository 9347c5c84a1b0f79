/** cli: the compiler's view of the file system: the standard library, imported files, data sets.
 *  Assumes:    paths in a program are relative to the file that is compiled; those of `--data` to the working folder.
 *  Not here:   parsing, splitting and fitting data (runtime/data); reading it again when training (runtime/node.ts). */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, isAbsolute, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { checkField } from "../../runtime/data/apply.js"
import type { DataFile } from "../../runtime/data/file.js"
import { fitFields } from "../../runtime/data/fit.js"
import { overrideData } from "../../runtime/data/override.js"
import { piecesOf } from "../../runtime/data/pieces.js"
import { storageFor } from "../../runtime/data/stored.js"
import { usesOf } from "../../runtime/data/uses.js"
import { product } from "../../runtime/exec/size.js"
import { hashOf, type Reads } from "./compile-cache.js"
import { readTables } from "./data-tables.js"
import { hashOfPath } from "./file-hash.js"
import { userTables } from "./kept-tables.js"
import { RunError } from "../../runtime/error.js"
import type { DataSpec, FieldSpec } from "../../runtime/bundle/format.js"
import type { CompileHost, DataContext, DataFacts } from "../driver/compile.js"
import { readLibrary } from "../ir/ast/library.js"
import type { Module } from "../ir/ast/types.js"
import type { DataSet } from "../ir/model/types.js"
import { parseLibrary } from "../parse/library.js"
import type { Diagnostic } from "../source/diagnostic.js"
import type { SourceFile } from "../source/source.js"

export interface FileHost extends CompileHost {
  /** Reads a file, and remembers what was in it. */
  read(path: string): Buffer
  /** Every file read so far, the standard library aside. */
  readonly reads: Reads
  /** Throws when a `--data` names nothing in the program that was compiled. */
  checkOverrides(): void
}

/** For the program at `main`. `overrides`: what `--data name=path` says. `tables`: through which data files are read. */
export function fileHost(
  main: string,
  overrides: ReadonlyMap<string, string> = new Map(),
  tables = userTables(),
): FileHost {
  const folder = dirname(main)
  const absolute = new Map([...overrides].map(([name, path]) => [name, resolve(path)]))
  const seen: DataSpec[] = []
  const reads = new Map<string, string>()
  const read = (path: string): Buffer => {
    const bytes = readFileSync(path)
    reads.set(resolve(path), hashOf(bytes))
    return bytes
  }
  const open = (path: string): DataFile => {
    const file = tables.open(path)
    reads.set(resolve(path), hashOfPath(path, file))
    return file
  }
  return {
    stdlib: standardLibrary(),
    read,
    reads,
    load: (path, from) => loadSource(join(dirname(from.path), path), read),
    data: (set, about) => {
      const spec = withoutFields(set)
      seen.push(spec)
      try {
        return dataFacts(set, overridden(spec, absolute), about, (file) =>
          open(isAbsolute(file) ? file : join(folder, file)),
        )
      } catch (error) {
        if (error instanceof RunError) return asDiagnostic(error, about)
        throw error
      }
    },
    checkOverrides: () => void overrideData(seen, absolute),
  }
}

const withoutFields = ({ name, source, test, split }: DataSet): DataSpec => ({
  name,
  source,
  test,
  split,
  fields: [],
})

/** Values of a field that are read twice, to be found wrong while compiling; larger fields are checked when they are loaded. */
const MANY = 50_000_000

/** Overrides of other data sets are left for `checkOverrides`, which sees them all. */
function overridden(spec: DataSpec, overrides: ReadonlyMap<string, string>): DataSpec {
  const own = [...overrides].filter(([key]) => key === spec.name || key.startsWith(`${spec.name}.`))
  return overrideData([spec], new Map(own))[0] ?? spec
}

function dataFacts(
  set: DataSet,
  spec: DataSpec,
  { bounds }: DataContext,
  open: (path: string) => DataFile,
): DataFacts {
  const { train, test } = readTables(spec, open, usesOf(set.fields))
  const parts = test ? [train, test] : [train]
  const fields = fitFields(train.table, train.rows, set.fields).map((field): FieldSpec => {
    const bound = bounds.get(field.name)
    return bound ? { ...field, bounds: bound } : field
  })
  // What loading would refuse is found now, with its place in the program.
  for (const { table, rows } of parts)
    for (const field of fields) if (rows.length * product(field.shape) <= MANY) checkField(field, table, rows)
  return {
    trainRows: train.rows.length,
    testRows: test?.rows.length ?? null,
    spec: {
      ...spec,
      fields: fields.map((field) => {
        const stored = storageFor(field, parts)
        const kept = stored ? { ...field, stored } : field
        const pieces = piecesOf(kept, Math.max(...parts.map(({ rows }) => rows.length)))
        return pieces ? { ...kept, pieces } : kept
      }),
    },
  }
}

function asDiagnostic({ code, message, help, part }: RunError, { place }: DataContext): Diagnostic {
  const primary = part && place(part)
  return {
    code,
    severity: "error",
    message,
    ...(primary && { primary }),
    ...(help === undefined ? {} : { help }),
  }
}

/** The folder of the running code: the package in source, or its dist/. */
const HERE = dirname(fileURLToPath(import.meta.url))

/** The nearest `name` above this file: beside compiler/ in the source tree and in dist/. */
export function packageFolder(name: string): string | undefined {
  const places = [join(HERE, "../..", name), join(HERE, "../../dist", name)]
  return places.find((place) => existsSync(place))
}

let library: readonly Module[] | undefined

/** As the build parsed it; in the source tree it is parsed here, once in a process. */
function standardLibrary(): readonly Module[] {
  if (library !== undefined) return library
  const folder = packageFolder("stdlib")
  if (folder === undefined) throw new Error("the standard library is not part of this installation")
  const parsed = join(folder, PARSED)
  library = existsSync(parsed) ? readLibrary(readFileSync(parsed, "utf8")) : parseLibrary(filesOf(folder))
  return library
}

/** Beside the files it was made of. */
const PARSED = "library.ast"

const filesOf = (folder: string): readonly SourceFile[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".nn"))
    .sort()
    .map((name) => ({ path: `stdlib/${name}`, text: readFileSync(join(folder, name), "utf8") }))

function loadSource(path: string, read: FileHost["read"]): SourceFile | undefined {
  if (!existsSync(path) || !statSync(path).isFile()) return undefined
  return { path, text: read(path).toString("utf8") }
}
