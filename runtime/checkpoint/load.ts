/** runtime/checkpoint: a path -> Checkpoint. A run folder stands for its newest checkpoint. */
import { readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Manifest } from "../bundle/format.js"
import { reasonOf, RunError } from "../error.js"
import { decodeCheckpoint, type Checkpoint } from "./checkpoint.js"

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

/** The file itself, or `checkpoints/last.safetensors` of a run folder. */
async function checkpointFile(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return isFolder ? join(path, "checkpoints", "last.safetensors") : path
}
