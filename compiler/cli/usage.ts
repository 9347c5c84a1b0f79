/** cli: how commands are declared, and what is said about a wrong command line (exit code 2). */
import { Command, CommanderError, InvalidArgumentError } from "commander"
import { nearest } from "../source/suggest.js"
import { VERSION } from "../version.js"
import { EXIT } from "./failure.js"

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
        "3 the device or the file system failed, 70 a bug in nnc, 130 interrupted (after saving).",
    )
}

/** What to say when the command line is wrong (text "" for `--help` and `--version`); undefined for any other error. */
export function usageMessage(
  program: Command,
  error: unknown,
  args: readonly string[],
): { readonly text: string; readonly exit: number } | undefined {
  if (!(error instanceof CommanderError)) return undefined
  if (error.exitCode === 0 || error.code === "commander.help") return { text: "", exit: error.exitCode }
  const command = program.commands.find(({ _name }: Command & { _name?: string }) => _name === args[0])
  const message = error.message.replace(/^error: /, "").replaceAll("'", "`")
  const help =
    suggestion(program, command, error, message) ?? `nnc ${command?.name() ?? ""}`.trim() + " --help"
  return { text: `error[usage]: ${message}\n  help: ${help}\n`, exit: EXIT.usage }
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

/** For options: a whole number, at least `least`. */
export function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isSafeInteger(value) || text.trim() === "" || value < least)
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`)
    return value
  }
}

/** The option of every command that compiles a program with data. */
export const withData = (command: Command): Command =>
  command.option(
    "--data <name=path>",
    "read a data set from another file; may be given several times",
    namedPath,
    new Map<string, string>(),
  )

/** For options that may be given several times: `name=path` pairs. */
function namedPath(text: string, before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const at = text.indexOf("=")
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError("It must be written as name=path.")
  return new Map([...before, [text.slice(0, at), text.slice(at + 1)]])
}
