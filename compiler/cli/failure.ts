/** cli: anything thrown -> the text for the user, and the exit code.
 *  Guarantees: no stack trace reaches the user; every failure has a code, and advice where there is any.
 *  Not here:   wording of compile-time mistakes (beside the checks), of run-time ones (runtime/). */
import { constants } from "node:os"
import { RunError } from "../../runtime/error.js"
import { CompilerBug } from "../source/bug.js"
import type { Diagnostic } from "../source/diagnostic.js"
import { diagnosticJson, renderDiagnostics } from "../source/render.js"
import { VERSION } from "../version.js"
import { saveInput } from "./saved-input.js"

/** Exit codes. `bug` is EX_SOFTWARE of sysexits.h. */
export const EXIT = { done: 0, mistake: 1, usage: 2, device: 3, bug: 70 } as const

/** The exit code of a process that a signal ended, as shells expect it: 130 after Ctrl-C. */
export const signalExit = (signal: NodeJS.Signals): number => 128 + constants.signals[signal]

/** Something the user can put right, found by the command line itself. */
export class Failure extends Error {
  override readonly name = "Failure"
  constructor(
    readonly code: string,
    message: string,
    readonly help?: string,
    readonly exit: number = EXIT.mistake,
  ) {
    super(message)
  }
}

/** The program has errors; warnings may be among the diagnostics. */
export class Refused extends Error {
  override readonly name = "Refused"
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super("the program has errors")
  }
}

/** The text to print, and the exit code. */
export interface Outcome {
  readonly text: string
  /** For `--json`: an `error` event. */
  readonly json: Readonly<Record<string, unknown>>
  readonly exit: number
}

export function outcomeOf(error: unknown): Outcome {
  if (error instanceof Refused)
    return {
      text: renderDiagnostics(error.diagnostics),
      json: { event: "error", diagnostics: error.diagnostics.map(diagnosticJson) },
      exit: EXIT.mistake,
    }
  if (error instanceof Failure || error instanceof RunError) return known(error)
  if (isSystemError(error)) return known(systemFailure(error))
  return bugReport(error)
}

function known(error: Failure | RunError): Outcome {
  const { code, message, help, exit } = error
  return {
    text: `error[${code}]: ${message}\n${help === undefined ? "" : `  help: ${help.replaceAll("\n", "\n        ")}\n`}`,
    json: { event: "error", code, message, ...(help === undefined ? {} : { help }) },
    exit,
  }
}

interface SystemError extends Error {
  readonly code: string
  readonly syscall: string
  readonly path?: string
}
const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string"

const SYSTEM: Readonly<Record<string, readonly [what: string, help: string]>> = {
  ENOENT: ["does not exist", "check the path"],
  EACCES: ["may not be used: permission denied", "check who owns it and what its mode allows"],
  EPERM: ["may not be used: operation not permitted", "check who owns it and what its mode allows"],
  ENOSPC: ["cannot be written: the disk is full", "make room and run the command again"],
  EIO: ["cannot be read or written: the device failed", "look for what the system says of it"],
  EROFS: ["cannot be written: the file system is read-only", "choose another folder"],
  EISDIR: ["is a folder, not a file", "name a file"],
  EEXIST: ["is a file where a folder is needed", "name a folder"],
  ENOTDIR: ["is a file where a folder is needed", "name a folder"],
  EMFILE: [
    "cannot be opened: too many files are open",
    "close other programs or raise the limit (ulimit -n)",
  ],
}

/** For a folder whose parent is there: virtual file systems of the kernel give this error. */
const NO_FOLDERS = ["cannot be made: no folder can be made there", "choose another folder"] as const

/** stdout, which cannot be written to any more. */
export const outputFailure = (error: NodeJS.ErrnoException): Failure =>
  new Failure(
    "io-system",
    `stdout ${SYSTEM[error.code ?? ""]?.[0] ?? `cannot be written: ${error.message}`}`,
    "what stands in files of a run or a bundle is whole",
    EXIT.device,
  )

function systemFailure(error: SystemError): Failure {
  const noFolders = error.syscall === "mkdir" && error.code === "ENOENT"
  const [what, help] = (noFolders ? NO_FOLDERS : SYSTEM[error.code]) ?? [
    `failed: ${error.code} in ${error.syscall}`,
    undefined,
  ]
  return new Failure("io-system", `${error.path ?? "a file"} ${what}`, help, EXIT.device)
}

function bugReport(error: unknown): Outcome {
  const what = error instanceof Error ? error.message : String(error)
  const kind = error instanceof CompilerBug || !(error instanceof Error) ? "" : `${error.name}: `
  const where = firstFrames(error)
  const input = saveInput(error)
  const text = [
    `bug in nnc, not in your program: ${kind}${what}`,
    "  Please report it with the program, the command, and these lines:",
    `    nnc ${VERSION}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
    ...where.map((line) => `    ${line}`),
    ...(input === undefined ? [] : [`    ${input}, which the pass was given`]),
    "",
  ].join("\n")
  return {
    text,
    json: { event: "error", code: "bug", message: `${kind}${what}`, where, ...(input && { input }) },
    exit: EXIT.bug,
  }
}

/** The places in nnc, without paths of this machine: enough to find the line, not a stack trace. */
function firstFrames(error: unknown): string[] {
  const root = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(root instanceof Error)) return []
  return [...(root.stack ?? "").matchAll(/(?:compiler|runtime|grammar)\/[^\s():]+:\d+/g)]
    .map(([place]) => place)
    .slice(0, 3)
    .map((place) => `at ${place}`)
}
