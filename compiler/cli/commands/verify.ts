/** cli: `nnc verify`: compares a program with a second implementation of it. */
import { Option, type Command } from "commander"
import { note, printJson } from "../console.js"
import { EXIT } from "../failure.js"
import { integer, type DataOptions, withData } from "../usage.js"
import { agrees, type Difference } from "../verify/differences.js"
import { type Verified, verifyPytorch } from "../verify/pytorch.js"

interface Options extends DataOptions {
  readonly against: "pytorch"
  readonly python: string
  readonly steps: number
  readonly train?: string
  readonly keep?: string
  readonly json?: boolean
}

export function addVerify(program: Command): void {
  withData(
    program
      .command("verify")
      .description(
        "train a program and its PyTorch export from the same values for a few steps, and compare losses, gradients, parameters and predictions",
      )
      .argument("<file>", "program"),
  )
    .addOption(
      new Option("--against <what>", "the second implementation").choices(["pytorch"]).default("pytorch"),
    )
    .option(
      "--python <path>",
      "a Python that has torch and numpy (default: $NNC_PYTHON, else python3)",
      process.env["NNC_PYTHON"] ?? "python3",
    )
    .option("--steps <n>", "how many", integer(1), 10)
    .option("--train <name>", "the train section, when there are several")
    .option("--keep <folder>", "keep the exported program and what it computed here")
    .option("--json", "print one object")
    .action(async (path: string, options: Options) => {
      const verified = await verifyPytorch(path, options)
      if (options.json) printJson({ event: "verified", ...verified, agrees: allAgree(verified) })
      else show(verified)
      if (!allAgree(verified)) process.exitCode = EXIT.mistake
    })
}

const allAgree = ({ differences }: Verified): boolean => differences.every(agrees)

function show({ train, steps, losses, differences }: Verified): void {
  const byRounding = differences.some(({ rounding }) => rounding > 0)
  const head = ["", "at", "difference", "of numbers up to", ...(byRounding ? ["by rounding alone"] : []), ""]
  const rows = [
    head,
    ...differences.map((d) => [
      d.what,
      d.of,
      short(d.difference),
      short(d.scale),
      ...(byRounding ? [short(d.rounding)] : []),
      verdict(d),
    ]),
  ]
  const widths = head.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  for (const row of rows)
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join("  ")
        .trimEnd()}\n`,
    )
  const ends = (all: readonly number[]): string => `${short(all[0]!)} to ${short(all.at(-1)!)}`
  note(`section ${train}, ${steps} steps: loss ${ends(losses.nnc)} here, ${ends(losses.pytorch)} in PyTorch`)
}
const verdict = (d: Difference): string => (agrees(d) ? "same" : "DIFFERENT")
const short = (value: number): string => String(Number(value.toPrecision(4)))
