/** runtime: what a run stops with. Every code has its page in codes.ts.
 *  Not here: failures of our own (an ordinary Error), mistakes in a source text (the compiler's diagnostics). */
import type { RunCode } from "./codes.js"

/** The process exit code: 1, the user can repair it (data, checkpoint, bundle, option); 3, device or file system. */
export type RunExit = 1 | 3

export class RunError extends Error {
  override readonly name = "RunError"
  readonly code: RunCode
  readonly help: string | undefined
  readonly exit: RunExit

  constructor(
    code: RunCode,
    message: string,
    about: { help?: string; exit?: RunExit; cause?: unknown } = {},
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause })
    this.code = code
    this.help = about.help
    this.exit = about.exit ?? 1
  }
}

/** The text of something caught. */
export const reasonOf = (caught: unknown): string =>
  caught instanceof Error ? caught.message : String(caught)
