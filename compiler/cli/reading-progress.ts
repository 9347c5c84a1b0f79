/** cli: what a person sees while a data file is read for more than a second: how far it is, on a terminal; elsewhere a line. */
import { note } from "./console.js"

/** Milliseconds. */
const SOON = 1000
const BETWEEN = 200

export class ReadingProgress {
  private next = performance.now() + SOON
  private shown = false

  constructor(
    private readonly name: string,
    /** Bytes, or what else is counted. */
    private readonly all: number,
    private readonly about = `${Math.round(all / 1e6)} MB`,
  ) {}

  at(done: number): void {
    const now = performance.now()
    if (now < this.next) return
    this.next = now + BETWEEN
    if (process.stderr.isTTY)
      process.stderr.write(`\rreading ${this.name}: ${Math.floor((100 * done) / this.all)}%`)
    else if (!this.shown) note(`reading ${this.name} (${this.about})`)
    this.shown = true
  }
  end(): void {
    if (this.shown && process.stderr.isTTY) process.stderr.write("\r\x1b[K")
  }
}
