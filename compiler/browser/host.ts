/** browser: the compiler's view of the files that a page has. The compiler is synchronous: a file that it asks for and that is missing is
 *  fetched afterwards, and the compiler is called again.
 *  Not here:   reading rows for the compiler (facts/). */
import { bytesOf, inMemory, type DataFile } from "../../runtime/data/file.js"
import { reasonOf, RunError } from "../../runtime/error.js"
import type { CompileHost } from "../driver/compile.js"
import { asDiagnostic, dataFacts, specOf } from "../facts/facts.js"
import { readLibrary } from "../ir/ast/library.js"
import type { Module } from "../ir/ast/types.js"
import library from "../../stdlib/library.ast"

/** Files, by their paths in the program. */
export class FilesAtHand {
  private readonly opened = new Map<string, DataFile>()
  private readonly wanted = new Set<string>()
  /** Why a file could not be had. */
  private readonly failed = new Map<string, string>()

  constructor(
    readonly blobs: Map<string, Blob>,
    /** Where the others are; undefined: nothing is fetched. */
    private readonly base: URL | undefined,
  ) {}

  /** Undefined: it is not there, or not yet. */
  open(path: string): DataFile | undefined {
    const file = this.opened.get(path)
    if (file === undefined && !this.failed.has(path)) this.wanted.add(path)
    return file
  }

  why(path: string): string {
    return this.failed.get(path) ?? "it is not there yet"
  }

  /** Reads the files that were asked for and are not in memory yet. False: there was none. */
  async bring(): Promise<boolean> {
    const paths = [...this.wanted]
    this.wanted.clear()
    for (const path of paths)
      try {
        const blob = this.blobs.get(path) ?? (await this.fetched(path))
        this.opened.set(path, await fileOfBlob(blob))
        this.blobs.set(path, blob)
      } catch (caught) {
        this.failed.set(path, reasonOf(caught))
      }
    return paths.length > 0
  }

  private async fetched(path: string): Promise<Blob> {
    if (this.base === undefined) throw new Error("it is not among `files`, and no `base` says where it is")
    const response = await fetch(new URL(path, this.base))
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`)
    return response.blob()
  }
}

/** Workers alone have it, so the types of pages do not declare it. */
declare const FileReaderSync: undefined | (new () => { readAsArrayBuffer(blob: Blob): ArrayBuffer })

/** Read piece by piece where this is a worker, which may wait; elsewhere all of it is in memory. */
async function fileOfBlob(blob: Blob): Promise<DataFile> {
  if (typeof FileReaderSync === "undefined") return inMemory(new Uint8Array(await blob.arrayBuffer()))
  const reader = new FileReaderSync()
  return {
    size: blob.size,
    read: (at, into) => into.set(new Uint8Array(reader.readAsArrayBuffer(blob.slice(at, at + into.length)))),
  }
}

let parsed: readonly Module[] | undefined
export const standardLibrary = (): readonly Module[] => (parsed ??= readLibrary(library))

export function pageHost(files: FilesAtHand): CompileHost {
  return {
    stdlib: standardLibrary(),
    load: (path, from) => {
      const place = beside(from.path, path)
      const file = files.open(place)
      return file && { path: place, text: new TextDecoder().decode(bytesOf(file)) }
    },
    data: (set, about) => {
      try {
        return dataFacts(set, specOf(set), about, (path) => {
          const file = files.open(path)
          if (file === undefined) throw new Error(files.why(path))
          return file
        })
      } catch (caught) {
        if (caught instanceof RunError && caught.code === "data-file")
          return asDiagnostic(notGiven(caught, files), about)
        if (caught instanceof RunError) return asDiagnostic(caught, about)
        throw caught
      }
    },
  }
}

/** Replaces advice that is about the command line. */
function notGiven({ code, message, part }: RunError, { blobs }: FilesAtHand): RunError {
  const names = [...blobs.keys()].map((name) => `"${name}"`)
  return new RunError(code, message, {
    ...(part && { part }),
    help: `give it among \`files\`, which ${names.length === 0 ? "has none" : `has ${names.join(", ")}`}`,
  })
}

/** A path in the file `from`, as a path from where the program is. */
function beside(from: string, path: string): string {
  const { pathname } = new URL(path, new URL(from, "file:///"))
  return decodeURIComponent(pathname).replace(/^\//, "")
}
