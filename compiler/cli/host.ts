/** cli: the compiler's view of the file system: the standard library, imported files, data sets.
 *  Assumes:    paths in a program are relative to the file that is compiled; those of `--data` to the working folder.
 *  Not here:   reading, splitting and fitting data (facts/); reading it again when training (runtime/node.ts). */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, isAbsolute, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import type { DataFile } from "../../runtime/data/file.js"
import { overrideData } from "../../runtime/data/override.js"
import type { Converted } from "../../runtime/data/sources/converted.js"
import type { SeveralFiles } from "../../runtime/data/sources/source.js"
import { hashOf, type Reads } from "./compile-cache.js"
import { dependsOn, isConverted, withTable } from "./convert/index.js"
import { versionOfPath } from "./file-hash.js"
import { expanded, isPattern } from "./file-pattern.js"
import { userTables } from "./kept-tables.js"
import { inPart, RunError } from "../../runtime/error.js"
import type { DataSpec, SourceSpec } from "../../runtime/bundle/format.js"
import type { CompileHost } from "../driver/compile.js"
import { asDiagnostic, dataFacts, specOf } from "../facts/facts.js"
import { readLibrary } from "../ir/ast/library.js"
import type { Module } from "../ir/ast/types.js"
import { parseLibrary } from "../parse/library.js"
import type { SourceFile } from "../source/source.js"

export interface FileHost extends CompileHost {
  /** Reads a file, and remembers its content. */
  read(path: string): Buffer
  /** Every file read so far, the standard library aside. */
  readonly reads: Reads
  /** Throws when the command line asks for data or a fold that the compiled program does not have. */
  checkAsked(): void
}

/** The options of the command line about data. */
export interface AskedData {
  /** `--data name=path`. */
  readonly data?: ReadonlyMap<string, string>
  /** `--fold 2`. */
  readonly fold?: number
}

/** For the program at `main`. `tables`: through which data files are read. */
export function fileHost(main: string, { data, fold }: AskedData = {}, tables = userTables()): FileHost {
  const folder = dirname(main)
  const absolute = new Map([...(data ?? [])].map(([name, path]) => [name, resolve(path)]))
  const seen: DataSpec[] = []
  const reads = new Map<string, string>()
  const read = (path: string): Buffer => {
    const bytes = readFileSync(path)
    reads.set(resolve(path), hashOf(bytes))
    return bytes
  }
  const open = (path: string): DataFile => {
    const file = tables.open(path)
    reads.set(resolve(path), versionOfPath(path, file))
    return file
  }
  return {
    stdlib: standardLibrary(),
    read,
    reads,
    load: (path, from) => loadSource(join(dirname(from.path), path), read),
    data: (set, about) => {
      const spec = specOf(set, fold)
      seen.push(spec)
      try {
        const place = (file: string): string => (isAbsolute(file) ? file : join(folder, file))
        return dataFacts(set, asTables(overridden(spec, absolute), place, reads), about, (file) =>
          open(place(file)),
        )
      } catch (error) {
        if (error instanceof RunError) return asDiagnostic(error, about)
        throw error
      }
    },
    checkAsked: () => {
      overrideData(seen, absolute)
      checkFold(seen, fold)
    },
  }
}

/** Refuses a fold that no data set has. */
function checkFold(specs: readonly DataSpec[], fold: number | undefined): void {
  if (fold === undefined) return
  const folds = specs.flatMap(({ name, split }) =>
    split?.folds === undefined ? [] : [{ name, of: split.folds }],
  )
  const [first] = folds
  const few = folds.find(({ of }) => fold > of)
  if (first === undefined)
    throw new RunError("data-fold", `\`--fold ${fold}\`: no data set of the program has folds`, {
      help: "write `split folds: 5, seed: 1` in its `data`",
    })
  if (few !== undefined)
    throw new RunError("data-fold", `\`--fold ${fold}\`: \`${few.name}\` has ${few.of} folds`, {
      help: `folds count from 1 to ${few.of}`,
    })
}

/** Overrides of other data sets are left for `checkAsked`, which sees them all. */
function overridden(spec: DataSpec, overrides: ReadonlyMap<string, string>): DataSpec {
  const own = [...overrides].filter(([key]) => key === spec.name || key.startsWith(`${spec.name}.`))
  return overrideData([spec], new Map(own))[0] ?? spec
}

const mayBeSeveral = (source: SourceSpec): source is Converted | SeveralFiles =>
  "path" in source && source.kind !== "text"

/** Sources of several files with those, and sources that are converted first with their tables. Throws `Unconverted` where one is not there yet. */
function asTables(spec: DataSpec, place: (path: string) => string, reads: Map<string, string>): DataSpec {
  const note = (path: string): void => void reads.set(resolve(path), versionOfPath(path))
  const asTable = (source: SourceSpec): SourceSpec => {
    if (!mayBeSeveral(source)) return source
    const path = place(source.path)
    const parts = isPattern(path) ? expanded(source.path, path) : undefined
    if (parts) note(path)
    if (!isConverted(source)) return parts ? { ...source, parts } : source
    const tables = (parts ?? [source.path]).flatMap((part) => {
      const one = { ...source, path: part }
      const { tables } = withTable(one, place(part))
      dependsOn(one, place(part)).forEach(note)
      return tables
    })
    tables.forEach(note)
    return { ...source, tables }
  }
  const { source, val, test } = spec
  return {
    ...spec,
    source: inPart("source", () => asTable(source)),
    ...(val && { val: inPart("val", () => asTable(val)) }),
    test: test && inPart("test", () => asTable(test)),
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

/** The library as the build parsed it; in the source tree it is parsed here, once in a process. */
function standardLibrary(): readonly Module[] {
  if (library !== undefined) return library
  const folder = packageFolder("stdlib")
  if (folder === undefined) throw new Error("the standard library is not part of this installation")
  const parsed = join(folder, PARSED)
  library = existsSync(parsed) ? readLibrary(readFileSync(parsed, "utf8")) : parseLibrary(filesOf(folder))
  return library
}

/** Where a file of the library lies whose path begins with `stdlib/`. */
export const libraryFile = (path: string): string => join(packageFolder("stdlib") ?? HERE, "..", path)

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
