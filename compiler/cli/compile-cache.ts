/** cli: programs compiled before, kept for the user: an entry per program, device and options.
 *  Guarantees: an entry is used only by the compiler that made it, and while every file that it was made of is what it was, byte for
 *              byte; a damaged entry counts as none; an entry is there whole or not at all, whoever else writes; where nothing can
 *              be written, nothing is kept.
 *  Not here:   which files a compilation reads (`host.ts`). */
import { createHash, randomUUID } from "node:crypto"
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { homedir } from "node:os"
import { dirname, isAbsolute, join } from "node:path"
import { fileURLToPath } from "node:url"
import { deserialize, serialize } from "node:v8"
import type { Bundle } from "../../runtime/bundle/format.js"
import { eachPiece, type DataFile } from "../../runtime/data/file.js"
import { fileOnDisk } from "../../runtime/disk.js"
import { makeFolders } from "../../runtime/folders.js"
import type { Diagnostic } from "../source/diagnostic.js"

export interface CacheEntry {
  readonly bundle: Bundle
  /** Warnings, which are shown every time. */
  readonly diagnostics: readonly Diagnostic[]
}
/** SHA-256 of files by absolute path. */
export type Reads = ReadonlyMap<string, string>

/** Of all entries together; the one not used for longest goes first. */
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
      const bytes = readFileSync(file)
      const content = bytes.subarray(HASH_BYTES)
      if (!sha256(content).equals(bytes.subarray(0, HASH_BYTES))) return undefined
      const { reads, ...entry } = deserialize(content) as CacheEntry & { reads: Reads }
      for (const [path, hash] of reads) if (hashOfFile(fileOnDisk(path)) !== hash) return undefined
      const now = new Date()
      utimesSync(file, now, now)
      return entry
    } catch {
      return undefined
    }
  }

  keep(asked: unknown, { bundle, diagnostics }: CacheEntry, reads: Reads): void {
    const file = this.fileOf(asked)
    const aside = `${file}.${randomUUID()}`
    const kept = succeeds(() => {
      const content = serialize({ bundle, diagnostics, reads })
      makeFolders(this.folder)
      writeFileSync(aside, Buffer.concat([sha256(content), content]))
      renameSync(aside, file)
    })
    // Others may delete the same entries.
    succeeds(() => (kept ? this.shrink() : rmSync(aside, { force: true })))
  }

  private fileOf(asked: unknown): string {
    // Other versions of V8 may write values otherwise.
    const name = hashOf(JSON.stringify([this.compiler, process.versions.v8, asked]))
    return join(this.folder, name)
  }

  private shrink(): void {
    const files = readdirSync(this.folder).map((name) => {
      const path = join(this.folder, name)
      const { size, mtimeMs } = statSync(path)
      return { path, size, mtimeMs }
    })
    let bytes = files.reduce((sum, { size }) => sum + size, 0)
    for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (bytes <= this.mostBytes) return
      rmSync(path, { force: true })
      bytes -= size
    }
  }
}

/** This user's; none where the compiler runs from its sources, which change under it. */
export function userCache(): CompileCache | undefined {
  const build = join(dirname(fileURLToPath(import.meta.url)), BUILD)
  return existsSync(build) ? new CompileCache(cacheFolder(), readFileSync(build, "utf8")) : undefined
}
/** Written by the build: the hash of what it made. */
const BUILD = "build.sha256"

function cacheFolder(): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = process.env
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, "nnc")
  if (process.platform === "win32" && local) return join(local, "nnc", "cache")
  return join(homedir(), process.platform === "darwin" ? "Library/Caches" : ".cache", "nnc")
}

function succeeds(act: () => void): boolean {
  try {
    act()
    return true
  } catch {
    return false
  }
}

export const hashOf = (content: string | Uint8Array): string => sha256(content).toString("hex")
const HASH_PIECE = 1 << 20
/** Of a file of any size. */
export function hashOfFile(file: DataFile): string {
  const hash = createHash("sha256")
  eachPiece(file, HASH_PIECE, (piece) => hash.update(piece))
  return hash.digest("hex")
}
const sha256 = (content: string | Uint8Array): Buffer => createHash("sha256").update(content).digest()
