/** cli: `nnc reduce`: the smallest program that still fails as this one does, to report or to look at. */
import { Option, type Command } from "commander"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { parse } from "../../parse/parse.js"
import { reduce } from "../../reduce/reduce.js"
import { Diagnostics } from "../../source/diagnostic.js"
import { readProgram } from "../compile-file.js"
import { note } from "../console.js"
import { Failure, Refused } from "../failure.js"

interface Options {
  readonly keep: string
  readonly run: string
  readonly out?: string
}

/** A program that takes longer counts as one that does not fail. */
const MOST_MS = 120_000

export function addReduce(program: Command): void {
  program
    .command("reduce")
    .description("find the smallest program that still fails as this one does")
    .argument("<file>", "program")
    .requiredOption("--keep <text>", "what the failing command prints, on stdout or stderr")
    .addOption(
      new Option("--run <command>", "the command that fails, with its options").default("train --steps 3"),
    )
    .option("--out <file>", "where to write it (default: NAME.reduced.nn beside the program)")
    .action(async (path: string, { keep, run, out = path.replace(/(\.nn)?$/, ".reduced.nn") }: Options) => {
      const source = readProgram(path)
      const diagnostics = new Diagnostics()
      const module = parse(source, diagnostics)
      if (diagnostics.hasErrors) throw new Refused(diagnostics.all)
      // Beside the program, where its data and imports are.
      const trial = join(dirname(path), `.nnc-reduce-${process.pid}.nn`)
      const scratch = mkdtempSync(join(tmpdir(), "nnc-reduce-"))
      let tries = 0
      const said = (text: string): string => {
        tries++
        writeFileSync(trial, text)
        return outputOf(argumentsOf(run, trial, scratch))
      }
      try {
        const first = said(source.text)
        if (!first.includes(keep)) throw doesNotFail(run, keep, first)
        const reduced = await reduce(module, async (text) => said(text).includes(keep))
        writeFileSync(out, reduced)
        note(`${out}: ${linesOf(reduced)} of ${linesOf(source.text)} lines, after ${tries} runs of ${run}`)
      } finally {
        rmSync(trial, { force: true })
        rmSync(scratch, { recursive: true, force: true })
      }
    })
}

const linesOf = (text: string): number => text.trim().split("\n").length

/** Sends the files that a command writes to a scratch folder. */
function argumentsOf(run: string, trial: string, scratch: string): readonly string[] {
  const [command = "", ...options] = run.split(/\s+/).filter((word) => word !== "")
  const out = join(scratch, "out")
  const asked = options.some((o) => o === "--out" || o === "-o")
  return [command, trial, ...options, ...(OUT.has(command) && !asked ? ["--out", out] : [])]
}
const OUT = new Set(["train", "compile"])

function outputOf(args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [process.argv[1]!, ...args], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    timeout: MOST_MS,
    maxBuffer: 2 ** 28,
  })
  return `${stdout}\n${stderr}`
}

function doesNotFail(run: string, keep: string, said: string): Failure {
  const lines = said.trim().split("\n").slice(0, 5).join("\n")
  return new Failure(
    "reduce-nothing",
    `\`nnc ${run}\` does not print ${JSON.stringify(keep)} for this program`,
    `it printed:\n${lines}`,
  )
}
