/** cli: sources that are converted to tables before they are read: images, parquet. A table is kept for the user beside the compiled
 *  programs, for as long as its source stays unchanged.
 *  Guarantees: a table is there whole or not at all: it is written aside and renamed; where it cannot be kept, it lies in a folder that goes
 *              with the process.
 *  Why so:     decoding waits, and the compiler is one function that never does. So a compilation stops at a source that is not converted
 *              (`Unconverted`), and `whenConverted` makes it up and compiles once more. */
import { createHash, randomUUID } from "node:crypto"
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync, utimesSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"
import type { SourceSpec } from "../../../runtime/bundle/format.js"
import type { Converted } from "../../../runtime/data/sources/converted.js"
import { reasonOf, RunError } from "../../../runtime/error.js"
import { makeFolders } from "../../../runtime/folders.js"
import { cacheFolder, compilerBuild, isOwn, shrink, succeeds } from "../cache-folder.js"
import { note } from "../console.js"
import { ReadingProgress } from "../reading-progress.js"
import type { Converter, Told } from "./converter.js"
import { images } from "./images.js"
import { parquet } from "./parquet.js"
import { TableWriter } from "./table-writer.js"

type Converters = { readonly [K in Converted["kind"]]: Converter<Extract<Converted, { readonly kind: K }>> }
const CONVERTERS: Converters = { images, parquet }
const converterOf = ({ kind }: Converted): Converter<Converted> => CONVERTERS[kind]

export const isConverted = (source: SourceSpec): source is Converted => Object.hasOwn(CONVERTERS, source.kind)

/** A source whose table is not there yet. */
export class Unconverted extends Error {
  override readonly name = "Unconverted"
  constructor(
    source: Converted,
    /** Makes the table, or remembers why there can be none. */
    readonly convert: () => Promise<void>,
  ) {
    super(`${source.path} is not converted yet`)
  }
}

/** The result of `work` once everything that it reads is converted. */
export async function whenConverted<T>(work: () => T): Promise<T> {
  for (;;)
    try {
      return work()
    } catch (caught) {
      if (!(caught instanceof Unconverted)) throw caught
      await caught.convert()
    }
}

/** The most bytes of all tables together; the one not used for longest goes first. */
const MOST_BYTES = 32 * 2 ** 30

/** By table: the error with which its source was refused. */
const refused = new Map<string, RunError>()

/** The source with its table. `place`: its path, as the file system knows it. Throws the error of the source, or `Unconverted`. */
export function withTable<S extends Converted>(
  source: S,
  place: string,
): S & { readonly tables: readonly string[] } {
  const table = tableOf(source, place)
  const failure = refused.get(table)
  if (failure) throw failure
  if (existsSync(table) && isOwn(table)) {
    const now = new Date()
    succeeds(() => utimesSync(table, now, now))
    return { ...source, tables: [table] }
  }
  throw new Unconverted(source, () =>
    makeTable(source, place, table).catch((caught: unknown) => {
      refused.set(
        table,
        caught instanceof RunError
          ? caught
          : new RunError("data-file", `${source.path} cannot be read: ${reasonOf(caught)}`, {
              cause: caught,
            }),
      )
    }),
  )
}

/** Files and folders with which the table changes. */
export const dependsOn = (source: Converted, place: string): readonly string[] =>
  converterOf(source).dependsOn(source, place)

function tableOf(source: Converted, place: string): string {
  let stamp: unknown
  try {
    stamp = converterOf(source).stamp(source, place)
  } catch (caught) {
    if (caught instanceof RunError) throw caught
    throw new RunError("data-file", `${source.path} cannot be read: ${reasonOf(caught)}`, { cause: caught })
  }
  const name = createHash("sha256")
    .update(JSON.stringify([compilerBuild(), source.kind, source.path, resolve(place), stamp]))
    .digest("hex")
  const label = basename(source.path).replace(/[^A-Za-z0-9_-]+/g, "-")
  return join(folder(), `${label}-${name.slice(0, 32)}.table`)
}

let temporary: string | undefined

/** Where the compiler runs from its sources, which change under it, tables are made anew in each process. */
function folder(): string {
  if (compilerBuild() !== undefined) return join(cacheFolder(), "converted")
  if (temporary === undefined) {
    const made = (temporary = mkdtempSync(join(tmpdir(), "nnc-converted-")))
    process.once("exit", () => succeeds(() => rmSync(made, { recursive: true, force: true })))
  }
  return temporary
}

async function makeTable(source: Converted, place: string, table: string): Promise<void> {
  const aside = `${table}.${randomUUID()}`
  const notes: string[] = []
  let progress: ReadingProgress | undefined
  const told: Told = {
    progress: (done, all, what) =>
      (progress ??= new ReadingProgress(source.path, all, `${all} ${what}`)).at(done),
    note: (text) => notes.push(text),
  }
  const disarm = removedOnSignals(aside)
  try {
    makeFolders(folder())
    chmodSync(folder(), 0o700)
    const writer = new TableWriter(aside, source.path)
    try {
      await converterOf(source).convert(source, place, writer, told)
    } finally {
      writer.close()
    }
    renameSync(aside, table)
  } finally {
    progress?.end()
    disarm()
    rmSync(aside, { force: true })
  }
  for (const text of notes) note(text)
  succeeds(() => shrink(folder(), MOST_BYTES))
}

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** Removes the file where the process is asked to end, which it then does. */
function removedOnSignals(file: string): () => void {
  const end = (signal: NodeJS.Signals): void => {
    disarm()
    succeeds(() => rmSync(file, { force: true }))
    process.kill(process.pid, signal)
  }
  const disarm = (): void => {
    for (const signal of ENDING) process.off(signal, end)
  }
  for (const signal of ENDING) process.on(signal, end)
  return disarm
}
