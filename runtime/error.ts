/** runtime: the errors that stop a run. Every code has its page in codes.ts.
 *  Not here: failures of our own (an ordinary Error), mistakes in a source text (the compiler's diagnostics). */
import type { RunCode } from "./codes.js"
import type { ErrorEvent } from "./train/events.js"

/** The process exit code: 1, the user can repair it (data, checkpoint, bundle, option); 3, device or file system. */
export type RunExit = 1 | 3

export class RunError extends Error {
  override readonly name = "RunError"
  readonly code: RunCode
  readonly help: string | undefined
  readonly exit: RunExit
  /** The part of a `data` declaration that met the error. */
  readonly part: DataPart | undefined

  constructor(
    code: RunCode,
    message: string,
    about: { help?: string; exit?: RunExit; cause?: unknown; part?: DataPart } = {},
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause })
    this.code = code
    this.help = about.help
    this.exit = about.exit ?? 1
    this.part = about.part
  }
}

/** The error that stopped a run, as an event. */
export const errorEvent = (caught: unknown): ErrorEvent => {
  const { code, help } = caught instanceof RunError ? caught : { code: "bug", help: undefined }
  return { event: "error", code, message: reasonOf(caught), ...(help === undefined ? {} : { help }) }
}

export type DataPart =
  { readonly field: string } | "source" | "val" | "test" | "split" | "windows" | "where" | "draw"

/** Runs `work`; a RunError from it belongs to this part of the declaration, unless it already names one. */
export function inPart<T>(part: DataPart, work: () => T): T {
  try {
    return work()
  } catch (caught) {
    if (!(caught instanceof RunError) || caught.part !== undefined) throw caught
    const { code, message, help, exit, cause } = caught
    throw new RunError(code, message, { ...(help === undefined ? {} : { help }), exit, cause, part })
  }
}

/** The text of something caught; common errors of the file system in words. */
export const reasonOf = (caught: unknown): string =>
  caught instanceof Error ? (SYSTEM[systemCode(caught)] ?? caught.message) : String(caught)

const SYSTEM: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
  ENOTDIR: "a part of the path is a file, not a folder",
}
const systemCode = (error: Error): string =>
  "syscall" in error && "code" in error && typeof error.code === "string" ? error.code : ""
