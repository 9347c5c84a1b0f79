/** runtime/checkpoint: a path -> Checkpoint. A run folder stands for one of its checkpoints: to go on with the run, the last one; to
 *  use its parameters, the best one. */
import { open, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import type { AnyManifest } from "../bundle/builds.js"
import { reasonOf, RunError } from "../error.js"
import { fileOnDisk } from "../disk.js"
import type { GivenWeights } from "./given.js"
import { readWeights, refusePickled } from "./weight-files.js"
import { decodeCheckpoint, positionOf, settingsIn, type Checkpoint } from "./checkpoint.js"
import { decodeMetadata, headerLength, LENGTH_BYTES } from "./safetensors.js"

/** The checkpoint of a run folder. best: the last one where none is kept as the best. */
export type Which = "best" | "last"

export async function loadCheckpoint(
  path: string,
  manifest: AnyManifest,
  which: Which = "last",
): Promise<Checkpoint> {
  const file = await checkpointFile(path, which)
  refusePickled(file)
  let bytes: Uint8Array
  try {
    if (!(await stat(file)).isFile()) throw new Error("it is not a file")
    bytes = await readFile(file)
  } catch (caught) {
    throw new RunError("checkpoint-missing", `${file} cannot be read: ${reasonOf(caught)}`, {
      help: await adviceOnMissing(path, file),
      cause: caught,
    })
  }
  return decodeCheckpoint(file, bytes, manifest)
}

/** A run that was killed may have kept its best checkpoint and no last one. */
async function adviceOnMissing(path: string, file: string): Promise<string> {
  const best = await checkpointFile(path, "best")
  return best === file
    ? "a checkpoint is a .safetensors file, or the folder of a run (runs/NAME-1)"
    : `the run ended before it saved its state; ${best} is its best so far, and \`checkpoint every 10 epochs\` saves along the way`
}

/** `FILE`, or `Net=FILE` for one model: weights in files, or the parameters of a run. */
export async function loadWeights(given: string): Promise<GivenWeights> {
  const named = /^([A-Za-z_]\w*)=(.+)$/.exec(given)
  const place = await checkpointFile(named?.[2] ?? given, "best")
  const file = await readWeights(async (path) => fileOnDisk(path), place)
  return { ...file, place, ...(named?.[1] !== undefined && { model: named[1] }) }
}

/** How the program of a checkpoint was compiled: its `--set` values, texts by name, and the fold that it was trained on. Nothing
 *  where there is no such file; reading its parameters then reports it. */
export async function trainedWith(
  path: string,
  which: Which,
): Promise<{
  readonly settings: ReadonlyMap<string, string>
  readonly fold?: number
  /** The train section. */
  readonly train?: string
}> {
  const place = await checkpointFile(path, which)
  const file = await open(place).catch(() => undefined)
  if (file === undefined) return { settings: new Map() }
  const bytes = async (at: number, count: number): Promise<Uint8Array> => {
    const { bytesRead, buffer } = await file.read(new Uint8Array(count), 0, count, at)
    return buffer.subarray(0, bytesRead)
  }
  try {
    const length = headerLength(place, await bytes(0, LENGTH_BYTES))
    const metadata = decodeMetadata(place, await bytes(LENGTH_BYTES, length))
    const position = positionOf(place, metadata)
    const fold = position?.fold ?? null
    return {
      settings: settingsIn(place, metadata),
      ...(fold !== null && { fold }),
      ...(position && { train: position.train }),
    }
  } finally {
    await file.close()
  }
}

/** The file itself, or one of those of a run folder. */
export async function checkpointFile(path: string, which: Which): Promise<string> {
  if (!(await is(path, "isDirectory"))) return path
  const best = join(path, "checkpoints", "best.safetensors")
  if (which === "best" && (await is(best, "isFile"))) return best
  return join(path, "checkpoints", "last.safetensors")
}

const is = (path: string, kind: "isDirectory" | "isFile"): Promise<boolean> =>
  stat(path).then(
    (found) => found[kind](),
    () => false,
  )
