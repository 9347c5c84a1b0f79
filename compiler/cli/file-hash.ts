/** cli: the content of files, as SHA-256. A file is hashed once in a command, unless it changes. Of a folder, the names, sizes and times of
 *  all that lies below it. */
import { createHash } from "node:crypto"
import { readdirSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { eachPiece, type DataFile } from "../../runtime/data/file.js"
import { fileOnDisk } from "../../runtime/disk.js"

const PIECE = 1 << 20
const known = new Map<string, string>()

/** `file`: the file at `path`. */
export function hashOfPath(path: string, file?: DataFile): string {
  return statSync(path).isDirectory() ? hashOfFolder(path) : hashOfFile(path, file ?? fileOnDisk(path))
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
  const { size, mtimeNs, ino } = statSync(path, { bigint: true })
  const version = `${resolve(path)} ${ino} ${size} ${mtimeNs}`
  const before = known.get(version)
  if (before !== undefined) return before
  const hash = createHash("sha256")
  eachPiece(file, PIECE, (piece) => hash.update(piece))
  const hex = hash.digest("hex")
  known.set(version, hex)
  return hex
}
