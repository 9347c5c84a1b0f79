/** runtime/train: the folder of a run: `runs/NAME-N/` with log.jsonl, report.html and checkpoints/{last,best,step-N}.safetensors.
 *  Guarantees: one run writes to it at a time; a run is written over only where that was asked for. */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
} from "node:fs"
import { join } from "node:path"
import { asideOf, isAside, saveWhole, writeFailed } from "../checkpoint/save.js"
import { RunError } from "../error.js"
import { makeFolders } from "../folders.js"
import type { CheckpointStore, TrainEvent } from "./events.js"
import { takeLock } from "./run-lock.js"

export interface RunFolder extends CheckpointStore {
  readonly path: string
  /** Appends one line to log.jsonl. */
  log(event: TrainEvent): void
  /** Lets others write to it; a folder in which nothing was written is removed. */
  close(): void
}

export interface OpenRunFolder {
  /** The checkpoint that the run goes on from: a file or a run folder. */
  readonly resume?: string | undefined
  /** Replaces a run that is there. */
  readonly overwrite?: boolean | undefined
}

const LOG = "log.jsonl"
const CHECKPOINTS = "checkpoints"
const checkpointName = (kind: string): string => `${kind}.safetensors`
/** The checkpoint that a run folder stands for. */
export const LAST = join(CHECKPOINTS, checkpointName("last"))

/** The next free `NAME-N` below `parent`, N counting from 1. */
export function newRunFolder(parent: string, program: string): RunFolder {
  const name = runName(program)
  const make = (): string => {
    for (;;) {
      makeFolders(parent)
      const numbers = runNumbers(parent, name)
      const path = join(parent, `${name}-${Math.max(0, ...numbers) + 1}`)
      try {
        mkdirSync(path)
        return path
      } catch (caught) {
        // Another run may have made it in between.
        if (!existsSync(path)) throw caught
      }
    }
  }
  return openFolder(written(parent, make), {}, true)
}

/** N of all folders `NAME-N` there. */
const runNumbers = (parent: string, name: string): number[] =>
  readdirSync(parent)
    .filter((entry) => entry.startsWith(`${name}-`))
    .map((entry) => Number(entry.slice(name.length + 1)))
    .filter(Number.isSafeInteger)

/** The newest run of a program below `parent` that saved a checkpoint. */
export function newestRunFolder(parent: string, program: string): string | undefined {
  const name = runName(program)
  if (!existsSync(parent)) return undefined
  return runNumbers(parent, name)
    .sort((a, b) => b - a)
    .map((number) => join(parent, `${name}-${number}`))
    .find((folder) => existsSync(join(folder, LAST)))
}

/** The name of the folder of a program's runs; the name in a bundle cannot lead elsewhere. */
const runName = (program: string): string =>
  program.replace(/[^\p{L}\p{M}\p{N} ._+-]/gu, "_").slice(0, LONGEST_NAME) || "run"
/** So many characters of any script take less than the 255 bytes that a file system allows. */
const LONGEST_NAME = 60

/** A folder of its own, new or empty, or that of the run that is resumed, which goes on growing. */
export const openRunFolder = (path: string, how: OpenRunFolder = {}): RunFolder =>
  openFolder(path, how, !existsSync(path))

function openFolder(path: string, { resume, overwrite = false }: OpenRunFolder, isNew: boolean): RunFolder {
  const log = join(path, LOG)
  const checkpoint = (kind: string): string => join(path, CHECKPOINTS, checkpointName(kind))
  const goesOn = resume !== undefined && [path, join(path, LAST)].some((own) => isSame(own, resume))
  const release = written(path, () => {
    makeFolders(path)
    return takeLock(join(path, "lock"))
  })
  const close = (): void => {
    release()
    if (isNew) attempt(() => rmdirSync(path))
  }
  let replaces = holdsRun(path) && !goesOn
  if (replaces && !overwrite) {
    close()
    throw runExists(path, resume)
  }
  removeAsides(path)
  let isTorn = endsWithin(log)
  return {
    path,
    close,
    log(event) {
      written(log, () => {
        // Now that the new one begins.
        if (replaces) {
          removeRun(path)
          replaces = isTorn = false
        }
        appendFileSync(log, `${isTorn ? "\n" : ""}${JSON.stringify(event)}\n`)
        isTorn = false
      })
    },
    async save(kind, bytes, { step, keep }) {
      const file = checkpoint(kind)
      if (kind === "best" || keep === 1) {
        await saveWhole(file, bytes)
        return file
      }
      const own = checkpoint(`step-${step}`)
      await saveWhole(own, bytes)
      if (!isLinked(own, file)) await saveWhole(file, bytes)
      for (const old of stepsKept(path).slice(keep)) rmSync(checkpoint(`step-${old}`), { force: true })
      return file
    },
  }
}

/** Whether `to` is now the same file as `from`; not every file system has links. */
function isLinked(from: string, to: string): boolean {
  const aside = asideOf(to)
  return (
    attempt(() => {
      linkSync(from, aside)
      renameSync(aside, to)
      // Renaming between two names of one file does nothing, and both stay.
      rmSync(aside, { force: true })
    }) !== undefined
  )
}

/** Steps of the checkpoints `step-N`, the newest first. */
const stepsKept = (path: string): number[] =>
  readdirSync(join(path, CHECKPOINTS))
    .flatMap((name) => /^step-(\d+)\.safetensors$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a)

const checkpointsIn = (path: string): string[] =>
  attempt(() => readdirSync(join(path, CHECKPOINTS)))
    ?.filter((name) => /^(last|best|step-\d+)\.safetensors$/.test(name))
    .map((name) => join(path, CHECKPOINTS, name)) ?? []

const holdsRun = (path: string): boolean => existsSync(join(path, LOG)) || checkpointsIn(path).length > 0

/** Removes a run with its folder; files that no run wrote stay, and the folder with them. Refused with `run-in-use` while it goes on. */
export function removeRunFolder(path: string): { readonly left: readonly string[] } {
  if (!holdsRun(path))
    throw new RunError("run-missing", `${path} is no run: it holds no log and no checkpoint`, {
      help: "a run is a folder such as runs/NAME-1",
    })
  const release = written(path, () => takeLock(join(path, "lock")))
  removeAsides(path)
  removeRun(path)
  release()
  for (const folder of [join(path, CHECKPOINTS), path]) attempt(() => rmdirSync(folder))
  return { left: attempt(() => readdirSync(path)) ?? [] }
}

function removeRun(path: string): void {
  for (const file of [...checkpointsIn(path), join(path, LOG), join(path, "report.html")])
    rmSync(file, { force: true })
}

/** Removes half-written files of a process that died. */
function removeAsides(path: string): void {
  for (const folder of [path, join(path, CHECKPOINTS)])
    for (const name of attempt(() => readdirSync(folder)) ?? [])
      if (isAside(name)) attempt(() => rmSync(join(folder, name), { force: true }))
}

function runExists(path: string, resume: string | undefined): RunError {
  return new RunError(
    "run-exists",
    resume === undefined
      ? `${path} holds a run already`
      : `${path} holds a run already, and ${resume} is not its last checkpoint`,
    { help: `name another folder; \`--resume ${path}\` goes on with that run, \`--overwrite\` replaces it` },
  )
}

function isSame(a: string, b: string): boolean {
  return attempt(() => realpathSync(a) === realpathSync(b)) ?? false
}

function written<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (caught) {
    throw caught instanceof RunError ? caught : writeFailed(path, caught)
  }
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
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
