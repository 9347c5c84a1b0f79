/** runtime/checkpoint: a path -> Checkpoint. A run folder stands for its newest checkpoint. */
import { open, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Manifest } from "../bundle/format.js"
import { reasonOf, RunError } from "../error.js"
import { decodeCheckpoint, settingsIn, type Checkpoint } from "./checkpoint.js"
import { decodeMetadata, headerLength, LENGTH_BYTES } from "./safetensors.js"

export async function loadCheckpoint(path: string, manifest: Manifest): Promise<Checkpoint> {
  const file = await checkpointFile(path)
  let bytes: Uint8Array
  try {
    if (!(await stat(file)).isFile()) throw new Error("it is not a file")
    bytes = await readFile(file)
  } catch (caught) {
    throw new RunError("checkpoint-missing", `${file} cannot be read: ${reasonOf(caught)}`, {
      help: "a checkpoint is a .safetensors file, or the folder of a run (runs/NAME-1)",
      cause: caught,
    })
  }
  return decodeCheckpoint(file, bytes, manifest)
}

/** What `--set` gave the program that a checkpoint is of: texts by name. Nothing where there is no such file, which reading its
 *  parameters says. */
export async function settingsOfCheckpoint(path: string): Promise<ReadonlyMap<string, string>> {
  const place = await checkpointFile(path)
  const file = await open(place).catch(() => undefined)
  if (file === undefined) return new Map()
  const bytes = async (at: number, count: number): Promise<Uint8Array> => {
    const { bytesRead, buffer } = await file.read(new Uint8Array(count), 0, count, at)
    return buffer.subarray(0, bytesRead)
  }
  try {
    const length = headerLength(place, await bytes(0, LENGTH_BYTES))
    return settingsIn(place, decodeMetadata(place, await bytes(LENGTH_BYTES, length)))
  } finally {
    await file.close()
  }
}

/** The file itself, or `checkpoints/last.safetensors` of a run folder. */
async function checkpointFile(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return isFolder ? join(path, "checkpoints", "last.safetensors") : path
}
