/** cli/commands: all commands, in the order of `nnc --help`. */
import type { Command } from "commander"
import { newProgram } from "../usage.js"
import { addCheck } from "./check.js"
import { addCompile } from "./compile.js"
import { addDoctor } from "./doctor.js"
import { addEvaluate } from "./evaluate.js"
import { addExport } from "./export.js"
import { addExplain } from "./explain.js"
import { addFmt } from "./fmt.js"
import { addInit } from "./init.js"
import { addInspect } from "./inspect.js"
import { addLsp } from "./lsp.js"
import { addPredict } from "./predict.js"
import { addProfile } from "./profile.js"
import { addReduce } from "./reduce.js"
import { addRun } from "./run.js"
import { addRuns } from "./runs.js"
import { addSummary } from "./summary.js"
import { addSweep } from "./sweep.js"
import { addTrain } from "./train.js"
import { addVerify } from "./verify.js"
import { addTune } from "./tune.js"

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

export function nnc(): Command {
  const program = newProgram()
  for (const add of COMMANDS) add(program)
  return program
}
