/** cli: where output goes. Results go to stdout, messages to stderr; with `--json` stdout carries one object per line and
 *  nothing else.
 *  Guarantees: a stream that can no longer be written to (its reader is gone, its disk is full, its terminal was closed) ends
 *              nothing: its output is dropped. No control character but line breaks and tabs gets out, so that names and
 *              cells of a file cannot steer a terminal. */
import pc from "picocolors"
import { jsonText, visible } from "../source/visible.js"

class Output {
  /** Why it can no longer be written to. */
  lost: NodeJS.ErrnoException | undefined

  constructor(readonly stream: NodeJS.WriteStream) {
    stream.on("error", (error: NodeJS.ErrnoException) => (this.lost ??= error))
  }

  write(text: string): void {
    if (this.lost !== undefined) return
    try {
      this.stream.write(text)
    } catch (error) {
      // Files are written to at once.
      this.lost = error instanceof Error ? error : new Error(String(error))
    }
  }
}

const stdout = new Output(process.stdout)
const stderr = new Output(process.stderr)

/** Why stdout did not take everything. A reader that has seen enough (`nnc inspect m.nn | head`) is no failure. */
export const lostOutput = (): NodeJS.ErrnoException | undefined =>
  stdout.lost?.code === "EPIPE" ? undefined : stdout.lost

export function print(text: string): void {
  stdout.write(ended(visible(text)))
}

/** Prints a program's text for another program to read: as it is, but on a terminal without control characters. */
export function printProgram(text: string): void {
  stdout.write(process.stdout.isTTY ? visible(text) : text)
}

export function note(text: string): void {
  stderr.write(ended(visible(text)))
}

export function printJson(value: unknown): void {
  stdout.write(`${jsonText(value)}\n`)
}

/** Colours the words that a message begins with, where a person reads it. */
export function noteMessage(text: string): void {
  if (!process.stderr.isTTY) return note(text)
  stderr.write(
    ended(
      visible(text)
        .replace(/^error(?=[[:])/gm, pc.red(pc.bold("error")))
        .replace(/^warning(?=[[:])/gm, pc.yellow(pc.bold("warning")))
        .replace(/^( +)help:/gm, `$1${pc.cyan("help:")}`),
    ),
  )
}

const ended = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`)
