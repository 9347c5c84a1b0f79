/** cli: identifies the content of a file: by its SHA-256, made once in a command unless the file changes; or for a large file,
 *  which is not read only to be known, by its size and times. A folder is identified by the names, sizes and times of all that lies
 *  below it; a pattern, by the names that it matches. */
import { createHash } from "node:crypto"
import { readdirSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { piecesOf, type DataFile } from "../../runtime/data/file.js"
import { isPattern, matchingFiles } from "./file-pattern.js"
import { fileOnDisk } from "../../runtime/disk.js"

const PIECE = 1 << 20
const known = new Map<string, string>()

/** Bytes beyond which reading a file takes longer than compiling. */
export const LARGE = 1 << 26

export const isLarge = (path: string): boolean => statSync(path).size > LARGE

/** Another one after each change: of a large file by its size and times, of which nobody sets that of its last change. */
export function versionOfPath(path: string, file?: DataFile): string {
  if (isPattern(path)) return hashOfPath(path)
  return !statSync(path).isDirectory() && isLarge(path) ? stampOf(path) : hashOfPath(path, file)
}

/** `file`: the file at `path`. */
export function hashOfPath(path: string, file?: DataFile): string {
  if (isPattern(path))
    return createHash("sha256")
      .update(JSON.stringify(matchingFiles(path)))
      .digest("hex")
  return statSync(path).isDirectory() ? hashOfFolder(path) : hashOfFile(path, file ?? fileOnDisk(path))
}

/** The size and times of a file, which change with its content. */
export function stampOf(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true })
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
}

function hashOfFolder(path: string): string {
  const hash = createHash("sha256")
  for (const name of readdirSync(path, { recursive: true, encoding: "utf8" }).sort()) {
    const { size, mtimeMs } = statSync(join(path, name))
    hash.update(JSON.stringify([name, size, mtimeMs]))
  }
  return hash.digest("hex")
}

function hashOfFile(path: string, file: DataFile): string {
  const version = `${resolve(path)} ${stampOf(path)}`
  const before = known.get(version)
  if (before !== undefined) return before
  const hash = createHash("sha256")
  for (const { piece } of piecesOf(file, PIECE)) hash.update(piece)
  const hex = hash.digest("hex")
  known.set(version, hex)
  return hex
}
