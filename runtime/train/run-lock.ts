/** runtime/train: one writer in a run folder at a time, by a file that says who it is.
 *  Guarantees: of any number of processes that try at once one goes on, and the others are told which. The lock of a process that
 *              has died is taken over, also when another process has its number by now.
 *  Not here:   writing (run-folder.ts). */
import { randomUUID } from "node:crypto"
import {
  linkSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { hostname } from "node:os"
import { basename, dirname, join } from "node:path"
import { RunError } from "../error.js"

/** A process, told from all others: those of other machines and containers, and later ones with the same number. */
interface Owner {
  readonly pid: number
  /** Where the number means this process. */
  readonly host: string
  readonly boot: string
  /** When it started, in the system's own unit; null where that cannot be found out. */
  readonly started: string | null
  /** The run that holds the lock: a process may have several. */
  readonly run: string
}

/** Gives the way to release it. Throws `run-in-use` where another run has it. */
export function takeLock(file: string): () => void {
  removeLeftOver(file)
  const text = JSON.stringify(ownerHere())
  const aside = `${file}.${randomUUID()}`
  writeFileSync(aside, text)
  try {
    claim(file, aside, text)
  } finally {
    rmSync(aside, { force: true })
  }
  return () => {
    if (textOf(file) === text) rmSync(file, { force: true })
  }
}

/** Makes `file`, whole, where there is none. A dead owner's is replaced by whoever claims `file.next` first: while that is held nobody
 *  else replaces it, so it is still the dead owner's when it is looked at again. */
function claim(file: string, aside: string, text: string): void {
  while (!made(file, aside, text)) {
    const found = presentText(file)
    if (found === undefined) continue
    const owner = ownerOf(found)
    if (owner === undefined ? isNew(file) : isAlive(owner)) throw inUse(file, owner)
    const next = `${file}.next`
    claim(next, aside, text)
    if (textOf(file) === found) return renameSync(next, file)
    rmSync(next, { force: true })
  }
}

/** undefined where it is gone by now. */
function presentText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8")
  } catch (caught) {
    if (codeOf(caught) === "ENOENT") return undefined
    throw caught
  }
}

function made(file: string, aside: string, text: string): boolean {
  try {
    linkSync(aside, file)
    return true
  } catch (caught) {
    if (codeOf(caught) === "EEXIST") return false
    if (!NO_LINKS.includes(codeOf(caught))) throw caught
  }
  // A file system without links, where others may see the file before its text.
  try {
    writeFileSync(file, text, { flag: "wx" })
    return true
  } catch (caught) {
    if (codeOf(caught) === "EEXIST") return false
    throw caught
  }
}
const NO_LINKS: readonly string[] = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EISDIR"]

/** Files beside the lock of processes that died while they took it. */
function removeLeftOver(file: string): void {
  const start = `${basename(file)}.`
  for (const name of readdirSync(dirname(file))) {
    if (!name.startsWith(start) || name.endsWith(".next")) continue
    const path = join(dirname(file), name)
    const owner = ownerOf(textOf(path) ?? "")
    if (owner !== undefined && !isAlive(owner)) rmSync(path, { force: true })
  }
}

function inUse(file: string, owner: Owner | undefined): RunError {
  const folder = dirname(file)
  if (owner === undefined)
    return new RunError("run-in-use", `${folder} is in use: another process just took it`)
  const elsewhere = owner.host !== HOST
  return new RunError(
    "run-in-use",
    `${folder} is in use: process ${owner.pid}${elsewhere ? ` on ${owner.host.split(" ")[0]}` : ""} writes to it`,
    {
      help: elsewhere
        ? `if that process is gone, remove ${file}; from here this cannot be found out`
        : "wait until it is done, or name another folder",
    },
  )
}

const ownerHere = (): Owner => ({
  pid: process.pid,
  host: HOST,
  boot: BOOT,
  started: startOf(process.pid) ?? null,
  run: randomUUID(),
})

function ownerOf(text: string): Owner | undefined {
  try {
    const value = JSON.parse(text) as Partial<Record<keyof Owner, unknown>> | null
    const { pid, host, boot, started, run } = value ?? {}
    const isText = (x: unknown): x is string => typeof x === "string"
    if (!Number.isSafeInteger(pid) || !isText(host) || !isText(boot) || !isText(run)) return undefined
    return { pid: Number(pid), host, boot, started: isText(started) ? started : null, run }
  } catch {
    return undefined
  }
}

function isAlive({ pid, host, boot, started }: Owner): boolean {
  if (host !== HOST) return true
  if (boot !== BOOT) return false
  try {
    process.kill(pid, 0)
  } catch (caught) {
    // Others say that there is one, and that it is another user's.
    if (codeOf(caught) === "ESRCH") return false
  }
  const now = startOf(pid)
  return now === undefined || started === null || now === started
}

/** A text that is no owner's is being written, or was never finished. */
const WRITING_MS = 2000
function isNew(file: string): boolean {
  try {
    return Date.now() - statSync(file).mtimeMs < WRITING_MS
  } catch {
    return false
  }
}

/** Linux counts it in ticks since the system started; a process that has ended and was not waited for counts as none. */
function startOf(pid: number): string | undefined {
  const stat = textOf(`/proc/${pid}/stat`)
  // The name of the program stands in parentheses, and may have any characters.
  const [state, ...fields] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? []
  return state === "Z" || state === "X" ? "ended" : fields[18]
}

const BOOT = textOf("/proc/sys/kernel/random/boot_id")?.trim() ?? ""
const HOST = `${hostname()} ${pidNamespace()}`

/** Containers number their processes each for itself. */
function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid")
  } catch {
    return ""
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return undefined
  }
}

const codeOf = (caught: unknown): string =>
  caught instanceof Error && "code" in caught ? String(caught.code) : ""
