/** cli: the declaration of commands, and the errors of a wrong command line (exit code 2). */
import { Command, CommanderError, InvalidArgumentError } from "commander"
import { nearest } from "../source/suggest.js"
import { VERSION } from "../version.js"
import { readPlans } from "./plan-files.js"
import type { GivenPlan } from "../driver/plans.js"
import { EXIT, Failure } from "./failure.js"

/** A program whose errors come back as exceptions, for `usageMessage` to word. */
export function newProgram(): Command {
  return new Command("nnc")
    .description("A small language for neural networks: compile, train and use `.nn` programs on WebGPU.")
    .version(VERSION, "--version", "print the version")
    .helpOption("-h, --help", "print this")
    .helpCommand("help [command]", "print what a command does")
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 a mistake in the program or its data, 2 a wrong command line,\n" +
        "3 the device or the file system failed, 70 a bug in nnc, 130 interrupted and 143 terminated (after saving).",
    )
}

/** Turns commander's error into an exit code where commander has printed all there is to say, else into a failure. Other errors
 *  are given back. */
export function usageFailure(program: Command, error: unknown, args: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error
  if (error.exitCode === 0) return EXIT.done
  // `nnc` alone, and help about a command that there is not.
  if (error.code === "commander.help") return EXIT.usage
  const command = program.commands.find(({ _name }: Command & { _name?: string }) => _name === args[0])
  const message = error.message.replace(/^error: /, "").replaceAll("'", "`")
  const help =
    suggestion(program, command, error, message) ?? `nnc ${command?.name() ?? ""}`.trim() + " --help"
  return new Failure("usage", message, help, EXIT.usage)
}

function suggestion(
  program: Command,
  command: Command | undefined,
  error: CommanderError,
  message: string,
): string | undefined {
  const wrong = /`([^`=]*)/.exec(message)?.[1]
  if (wrong === undefined) return undefined
  const known =
    error.code === "commander.unknownOption"
      ? (command ?? program).options.map(({ long }) => long ?? "").concat("--help")
      : error.code === "commander.unknownCommand"
        ? program.commands.map((each) => each.name())
        : []
  const near = nearest(wrong, known)
  return near === undefined ? undefined : `did you mean \`${near}\`?`
}

/** For options: a whole number, at least `least`, at most `most`. */
export function integer(least: number, most?: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isSafeInteger(value) || text.trim() === "" || value < least || value > (most ?? value))
      throw new InvalidArgumentError(
        most === undefined
          ? `It must be a whole number of at least ${least}.`
          : `It must be a whole number from ${least} to ${most}.`,
      )
    return value
  }
}

/** The options of every command that compiles a program with data. */
export const withData = (command: Command): Command =>
  withCompiling(command).option(
    "--data <name=path>",
    "read a data set from another file; may be given several times",
    namedPairs("path"),
    new Map<string, string>(),
  )

/** The options of every command that compiles. */
export const withCompiling = (command: Command): Command =>
  command
    .option("--verify", "verify what every pass of the compiler makes; of a bundle, what the device computes")
    .option(
      "--set <name=value>",
      "give a constant at the top of the program another value; may be given several times",
      namedPairs("value"),
    )
    .option("--plan <file>", "run kernels as this file plans them, which `nnc tune` writes", readPlans)
    .option(
      "--fold <k>",
      "which of the folds of `split folds: ...` is for validation (default: 1)",
      integer(1),
    )

export interface CompilingOptions {
  readonly verify?: boolean
  readonly set?: ReadonlyMap<string, string>
  readonly fold?: number
  readonly plan?: readonly GivenPlan[]
}
export interface DataOptions extends CompilingOptions {
  readonly data: ReadonlyMap<string, string>
}
/** The options of a compilation. */
export const compiling = ({
  verify,
  set,
  fold,
  plan,
}: CompilingOptions): {
  readonly verify?: true
  readonly settings?: ReadonlyMap<string, string>
  readonly fold?: number
  readonly plans?: readonly GivenPlan[]
} => ({
  ...(verify ? { verify: true } : {}),
  ...(set ? { settings: set } : {}),
  ...(fold === undefined ? {} : { fold }),
  ...(plan ? { plans: plan } : {}),
})

/** For options that may be given several times: `name=path` pairs. */
export function namedPairs(
  what: string,
): (text: string, before?: ReadonlyMap<string, string>) => ReadonlyMap<string, string> {
  return (text, before = new Map()) => {
    const at = text.indexOf("=")
    if (at < 1 || at === text.length - 1)
      throw new InvalidArgumentError(`It must be written as name=${what}.`)
    return new Map([...before, [text.slice(0, at), text.slice(at + 1)]])
  }
}

/** For options that may be given several times: words of a list. */
export function oneOf<T extends string>(
  words: readonly T[],
): (text: string, before?: readonly T[]) => readonly T[] {
  return (text, before = []) => {
    const word = words.find((each) => each === text)
    if (word === undefined) throw new InvalidArgumentError(`It must be one of ${words.join(", ")}.`)
    return [...before, word]
  }
}
