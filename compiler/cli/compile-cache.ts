/** cli: programs compiled before, kept for the user: an entry per program, device and options.
 *  Guarantees: an entry is used only by the compiler that made it, and while every file that it was made of is unchanged, byte for
 *              byte (of large files by size and time of the last change); a damaged entry counts as none, and so does one that others may write; an entry is there whole or not at all,
 *              whoever else writes; where nothing can be written, nothing is kept.
 *  Not here:   which files a compilation reads (`host.ts`). */
import { createHash } from "node:crypto"
import { readFileSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { deserialize, serialize } from "node:v8"
import type { Bundle } from "../../runtime/bundle/format.js"
import type { Diagnostic } from "../source/diagnostic.js"
import { cacheFolder, compilerBuild, isOwn, shrink, succeeds, writeWhole } from "./cache-folder.js"
import { versionOfPath } from "./file-hash.js"

export interface CacheEntry {
  readonly bundle: Bundle
  /** Warnings, which are shown every time. */
  readonly diagnostics: readonly Diagnostic[]
}
/** Versions of files (file-hash.ts) by absolute path. */
export type Reads = ReadonlyMap<string, string>

/** The most bytes of all entries together; the one not used for longest goes first. */
const MOST_BYTES = 128 * 1024 * 1024
const HASH_BYTES = 32

export class CompileCache {
  constructor(
    private readonly folder: string,
    /** Tells this compiler from every other one. */
    private readonly compiler: string,
    private readonly mostBytes = MOST_BYTES,
  ) {}

  /** `asked`: the program and all options. */
  find(asked: unknown): CacheEntry | undefined {
    const file = this.fileOf(asked)
    try {
      if (!isOwn(file)) return undefined
      const bytes = readFileSync(file)
      const content = bytes.subarray(HASH_BYTES)
      if (!sha256(content).equals(bytes.subarray(0, HASH_BYTES))) return undefined
      const { reads, ...entry } = deserialize(content) as CacheEntry & { reads: Reads }
      for (const [path, hash] of reads) if (versionOfPath(path) !== hash) return undefined
      const now = new Date()
      utimesSync(file, now, now)
      return entry
    } catch {
      return undefined
    }
  }

  keep(asked: unknown, { bundle, diagnostics }: CacheEntry, reads: Reads): void {
    const written = writeWhole(this.fileOf(asked), (aside) => {
      const content = serialize({ bundle, diagnostics, reads })
      writeFileSync(aside, Buffer.concat([sha256(content), content]))
    })
    // Others may delete the same entries.
    if (written) succeeds(() => shrink(this.folder, this.mostBytes))
  }

  private fileOf(asked: unknown): string {
    // Other versions of V8 may write values otherwise.
    const name = hashOf(JSON.stringify([this.compiler, process.versions.v8, asked]))
    return join(this.folder, name)
  }
}

/** This user's; none where the compiler runs from its sources. */
export function userCache(): CompileCache | undefined {
  const build = compilerBuild()
  return build === undefined ? undefined : new CompileCache(cacheFolder(), build)
}

export const hashOf = (content: string | Uint8Array): string => sha256(content).toString("hex")
const sha256 = (content: string | Uint8Array): Buffer => createHash("sha256").update(content).digest()
