/** runtime/checkpoint: bytes -> a file that is either the old one or the new one, whole, whatever happens in between.
 *  Written beside its place, synced, renamed over it, and the folder synced. */
import { randomUUID } from "node:crypto"
import { dirname } from "node:path"
import { reasonOf, RunError } from "../error.js"
import { nodeFiles, type FileCalls } from "./files.js"

export async function saveWhole(
  path: string,
  bytes: Uint8Array,
  files: FileCalls = nodeFiles,
): Promise<void> {
  const aside = asideOf(path)
  try {
    await files.mkdir(dirname(path))
    await writeSynced(aside, bytes, files)
    await files.rename(aside, path)
    await syncFolder(dirname(path), files)
  } catch (caught) {
    await files.remove(aside).catch(() => {})
    throw writeFailed(path, caught)
  }
}

/** The file that is written first and then renamed to `path`; nobody else has this name. */
export const asideOf = (path: string): string => `${path}.${randomUUID()}.tmp`
export const isAside = (name: string): boolean => /\.(safetensors|html)\.[0-9a-f-]{36}\.tmp$/.test(name)

export function writeFailed(path: string, caught: unknown): RunError {
  const reason = REASONS[codeOf(caught)] ?? reasonOf(caught)
  return new RunError("checkpoint-write", `${path} cannot be written: ${reason}`, {
    exit: 3,
    help: "what was there before is untouched",
    cause: caught,
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOENT: "no folder can be made there",
  EISDIR: "a folder of that name is in the way",
  EEXIST: "a file is where a folder is needed",
  ENOTDIR: "a part of the path is a file, not a folder",
}

const codeOf = (caught: unknown): string =>
  caught instanceof Error && "code" in caught && typeof caught.code === "string" ? caught.code : ""

async function writeSynced(path: string, bytes: Uint8Array, files: FileCalls): Promise<void> {
  const file = await files.open(path, "w")
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** The rename itself is durable once the folder is synced. Windows cannot open folders and needs no such thing. */
async function syncFolder(folder: string, files: FileCalls): Promise<void> {
  if (process.platform === "win32") return
  const handle = await files.open(folder, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
