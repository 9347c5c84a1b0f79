#!/usr/bin/env node
/** cli: arguments -> a command -> an exit code.
 *  Guarantees: whatever a command throws is caught here, and only here; exit codes are those of `failure.ts`.
 *  Not here:   what the commands do (`commands/`, a file each). */
import { addCheck } from "./commands/check.js"
import { addCompile } from "./commands/compile.js"
import { addDoctor } from "./commands/doctor.js"
import { addEvaluate } from "./commands/evaluate.js"
import { addExport } from "./commands/export.js"
import { addExplain } from "./commands/explain.js"
import { addFmt } from "./commands/fmt.js"
import { addInit } from "./commands/init.js"
import { addInspect } from "./commands/inspect.js"
import { addLsp } from "./commands/lsp.js"
import { addPredict } from "./commands/predict.js"
import { addProfile } from "./commands/profile.js"
import { addReduce } from "./commands/reduce.js"
import { addRun } from "./commands/run.js"
import { addRuns } from "./commands/runs.js"
import { addSummary } from "./commands/summary.js"
import { addSweep } from "./commands/sweep.js"
import { addTrain } from "./commands/train.js"
import { addVerify } from "./commands/verify.js"
import { addTune } from "./commands/tune.js"
import { lostOutput, noteMessage, printJson } from "./console.js"
import { EXIT, outcomeOf, outputFailure } from "./failure.js"
import { newProgram, usageFailure } from "./usage.js"

const COMMANDS = [
  addInit,
  addCheck,
  addTrain,
  addCompile,
  addRun,
  addEvaluate,
  addPredict,
  addExport,
  addVerify,
  addInspect,
  addSummary,
  addProfile,
  addTune,
  addRuns,
  addSweep,
  addReduce,
  addFmt,
  addExplain,
  addLsp,
  addDoctor,
]

/** Runs one command; the result is the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const program = newProgram()
  for (const add of COMMANDS) add(program)
  try {
    await program.parseAsync([...args], { from: "user" })
    return typeof process.exitCode === "number" ? process.exitCode : EXIT.done
  } catch (error) {
    const failure = usageFailure(program, error, args)
    if (typeof failure === "number") return failure
    const outcome = outcomeOf(failure)
    if (args.includes("--json")) printJson(outcome.json)
    noteMessage(outcome.text)
    return outcome.exit
  }
}

process.exitCode = await main(process.argv.slice(2))
// A stream says what went wrong after the call that wrote to it.
process.on("exit", () => {
  const lost = lostOutput()
  if (lost === undefined) return
  noteMessage(outcomeOf(outputFailure(lost)).text)
  process.exitCode = Math.max(Number(process.exitCode), EXIT.device)
})
