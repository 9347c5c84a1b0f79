/** cli: where output goes. Results go to stdout, messages to stderr; with `--json` stdout carries one object per line and
 *  nothing else. */
import pc from "picocolors"

export function print(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`)
}

export function note(text: string): void {
  process.stderr.write(text.endsWith("\n") ? text : `${text}\n`)
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** Colours the words that a message begins with, where a person reads it. */
export function noteMessage(text: string): void {
  if (!process.stderr.isTTY) return note(text)
  note(
    text
      .replace(/^error(?=[[:])/gm, pc.red(pc.bold("error")))
      .replace(/^warning(?=[[:])/gm, pc.yellow(pc.bold("warning")))
      .replace(/^( +)help:/gm, `$1${pc.cyan("help:")}`),
  )
}
