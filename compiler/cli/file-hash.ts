/** cli: the content of files, as SHA-256. A file is hashed once in a command, unless it changes. */
import { createHash } from "node:crypto"
import { statSync } from "node:fs"
import { resolve } from "node:path"
import { eachPiece } from "../../runtime/data/file.js"
import { fileOnDisk } from "../../runtime/disk.js"

const PIECE = 1 << 20
const known = new Map<string, string>()

/** `file`: the file at `path`. */
export function hashOfPath(path: string, file = fileOnDisk(path)): string {
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
