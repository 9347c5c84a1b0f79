/** runtime/train: the folder of a run: `runs/NAME-N/` with log.jsonl and checkpoints/{last,best}.safetensors. */
import {
  appendFileSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
} from "node:fs"
import { join } from "node:path"
import { makeFolders } from "../folders.js"
import { saveWhole, writeFailed } from "../checkpoint/save.js"
import type { CheckpointStore, TrainEvent } from "./events.js"

export interface RunFolder extends CheckpointStore {
  readonly path: string
  /** Appends one line to log.jsonl. */
  log(event: TrainEvent): void
  /** After a run that never began. */
  removeIfEmpty(): void
}

/** The next free `NAME-N` below `parent`, N counting from 1. */
export function newRunFolder(parent: string, name: string): RunFolder {
  const attempt = (): string => {
    makeFolders(parent)
    const numbers = readdirSync(parent)
      .filter((entry) => entry.startsWith(`${name}-`))
      .map((entry) => Number(entry.slice(name.length + 1)))
    const path = join(parent, `${name}-${Math.max(0, ...numbers.filter(Number.isInteger)) + 1}`)
    mkdirSync(path)
    return path
  }
  try {
    return openRunFolder(attempt())
  } catch (caught) {
    throw writeFailed(parent, caught)
  }
}

/** An existing folder goes on growing: its log is appended to. */
export function openRunFolder(path: string): RunFolder {
  const log = join(path, "log.jsonl")
  let isTorn = endsWithin(log)
  return {
    path,
    log(event) {
      try {
        makeFolders(path)
        appendFileSync(log, `${isTorn ? "\n" : ""}${JSON.stringify(event)}\n`)
        isTorn = false
      } catch (caught) {
        throw writeFailed(log, caught)
      }
    },
    removeIfEmpty() {
      try {
        rmdirSync(path)
      } catch {
        // It holds something, or is gone.
      }
    },
    async save(kind, bytes) {
      const file = join(path, "checkpoints", `${kind}.safetensors`)
      await saveWhole(file, bytes)
      return file
    },
  }
}

/** Whether a file ends within a line: one that a crash cut off. */
function endsWithin(path: string): boolean {
  let file: number
  try {
    file = openSync(path, "r")
  } catch {
    return false
  }
  try {
    const last = new Uint8Array(1)
    const { size } = fstatSync(file)
    return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== "\n".charCodeAt(0)
  } finally {
    closeSync(file)
  }
}
