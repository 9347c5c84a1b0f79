/** cli: `--watch`: runs the command again, from the start, whenever the program or one beside it changes.
 *  Guarantees: one run at a time; a run is asked to stop, and saves, before the next begins; Ctrl-C stops the run too.
 *  How:        the command runs as a process of its own, whose device and memory are released when it ends. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync, watch, type FSWatcher } from "node:fs"
import { basename, dirname, join } from "node:path"
import { note } from "./console.js"
import { signalExit } from "./failure.js"
import { interruption } from "./interruption.js"

export async function watching(path: string): Promise<void> {
  const [, main = "", ...args] = process.argv
  const own = args.filter((arg) => arg !== "--watch")
  const interrupt = interruption()
  const { signal } = interrupt
  const ended = new Promise<"ended">((resolve) =>
    signal.addEventListener("abort", () => resolve("ended"), { once: true }),
  )
  const changes = new Changes(dirname(path))
  try {
    while (!signal.aborted) {
      const child = spawn(process.execPath, [main, ...own], { stdio: "inherit" })
      const closed = once(child, "close")
      const next = Promise.race([changes.next(), ended])
      const first = await Promise.race([closed.then(() => "over" as const), next])
      if (first === "over") note(`\nwaiting for ${basename(path)} to change; Ctrl-C ends`)
      else child.kill("SIGTERM")
      await closed
      if ((await next) === "changed") note(`\n${basename(path)} changed: again from the start`)
    }
  } finally {
    changes.close()
    interrupt.dispose()
  }
  process.exitCode = signalExit(interrupt.by ?? "SIGINT")
}

/** An editor writes a file in several steps. */
const SETTLED_MS = 150

class Changes {
  private texts: string
  private readonly watcher: FSWatcher
  private waits: (() => void) | undefined
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly folder: string) {
    this.texts = this.read()
    this.watcher = watch(folder, () => {
      clearTimeout(this.timer)
      this.timer = setTimeout(() => this.look(), SETTLED_MS)
    })
  }

  /** The next time that a text is another one than before. */
  next(): Promise<"changed"> {
    return new Promise((resolve) => (this.waits = () => resolve("changed")))
  }

  close(): void {
    clearTimeout(this.timer)
    this.watcher.close()
  }

  private look(): void {
    const texts = this.read()
    if (texts === this.texts) return
    this.texts = texts
    this.waits?.()
  }

  private read(): string {
    const names = readdirSync(this.folder).filter((name) => name.endsWith(".nn"))
    return JSON.stringify(names.map((name) => [name, textOf(join(this.folder, name))]))
  }
}

/** Between two steps of an editor there may be no file. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
