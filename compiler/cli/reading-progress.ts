/** cli: the progress of reading a data file for more than a second: a bar on a terminal; elsewhere a line. */
import { note } from "./console.js"

/** Milliseconds. */
const SOON = 1000
const BETWEEN = 200

export class ReadingProgress {
  private next = performance.now() + SOON
  private shown = false

  constructor(
    private readonly name: string,
    /** The bytes, or other units, of the whole. */
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
