/** cli: what `nnc train` and `nnc run` share: the options of a run, being asked to end, and what is said at the end. */
import { Option, type Command } from "commander"
import { join } from "node:path"
import type { Trainer } from "../../runtime/node.js"
import { note } from "./console.js"
import { interruption } from "./interruption.js"
import { Failure, signalExit } from "./failure.js"
import {
  newestRun,
  openProgram,
  runFolderOf,
  withDeviceOptions,
  withPlacement,
  withSettingsOf,
  type DeviceOptions,
} from "./open-program.js"
import { writeCsvLog } from "./logs/csv.js"
import { TensorboardLog } from "./logs/tensorboard.js"
import { showEvents } from "./progress.js"
import { RunReport } from "./report/write.js"
import { integer, oneOf } from "./usage.js"

interface RunOptions extends DeviceOptions {
  readonly json?: boolean
  readonly epochs?: number
  readonly steps?: number
  readonly seed?: number
  readonly resume?: string | true
  readonly init?: string
  readonly out?: string
  readonly overwrite?: boolean
  readonly train?: string
  readonly log?: readonly LogKind[]
}

/** Beside log.jsonl. */
const LOGS = ["tensorboard", "csv"] as const
type LogKind = (typeof LOGS)[number]

/** Adds the options of a run, and what to do. */
export function trains(command: Command): Command {
  return withPlacement(withDeviceOptions(command))
    .option("--json", "print one object per line: start, report, checkpoint, end")
    .option("--epochs <n>", "train this many epochs instead of what the program says", integer(0))
    .addOption(
      new Option("--steps <n>", "train this many steps instead of what the program says")
        .argParser(integer(0))
        .conflicts("epochs"),
    )
    .option("--seed <n>", "of initial values, order of rows and random draws", integer(0, 2 ** 32 - 1))
    .option("--resume [checkpoint]", "go on from a checkpoint or run folder (default: the newest run)")
    .addOption(
      new Option(
        "--init <file>",
        "what parameters start from: a .safetensors file, the .index.json of several, a checkpoint or run folder; MODEL=FILE for one model",
      ).conflicts("resume"),
    )
    .option(
      "--out <folder>",
      "run folder for log, checkpoints and report (default: the next runs/NAME-N, or that of a resumed run)",
    )
    .option("--overwrite", "replace the run that the folder of --out holds")
    .option(
      "--log <format>",
      `write the reports as ${LOGS.join(" or ")} too, into the run folder; may be given twice`,
      oneOf(LOGS),
    )
    .option("--train <name>", "the train section to run, when there are several")
    .action(runTraining)
}

async function runTraining(path: string, options: RunOptions): Promise<void> {
  const { resume: wanted } = options
  const from = wanted === true ? undefined : wanted
  const trainer = await openProgram(
    path,
    wanted === undefined
      ? options
      : await withSettingsOf(
          path,
          { ...(from !== undefined && { checkpoint: from }), from: "last" },
          options,
        ),
  )
  const interrupt = interruption()
  const report = new RunReport(trainer.bundle.manifest)
  const show = showEvents(options.json ?? false)
  const logs = options.log ?? []
  const tensorboard = logs.includes("tensorboard") ? new TensorboardLog() : undefined
  let folder: string | undefined
  try {
    const { json = false, epochs, steps, seed, train, init, overwrite = false } = options
    const resume = resumed(trainer, options.resume)
    const runFolder = options.out ?? (resume === undefined ? undefined : runFolderOf(resume)) ?? "new"
    const end = await trainer.train({
      ...(epochs === undefined ? {} : { epochs }),
      ...(steps === undefined ? {} : { steps }),
      ...(seed === undefined ? {} : { seed }),
      ...(train === undefined ? {} : { train }),
      ...(resume === undefined ? {} : { resume }),
      ...(init === undefined ? {} : { init }),
      runFolder,
      overwrite,
      signal: interrupt.signal,
      onEvent: (event) => {
        report.see(event)
        if (event.event === "start") folder = event.folder
        tensorboard?.see(event, Date.now() / 1000)
        // An error is shown where the command ends.
        if (event.event !== "error") show(event)
      },
    })
    if (end.why === "interrupted") {
      const section = train === undefined ? "" : ` --train ${word(train)}`
      note(`Saved. To go on: nnc train ${word(path)} --resume ${word(end.runFolder ?? "")}${section}`)
      process.exitCode = signalExit(interrupt.by ?? "SIGINT")
    } else if (!json) note(`checkpoint, log and report in ${join(end.runFolder ?? "", "/")}`)
  } finally {
    await report.finish()
    if (folder !== undefined && logs.includes("csv")) await writeCsvLog(folder)
    interrupt.dispose()
    trainer.close()
  }
}

function resumed(trainer: Trainer, wanted: string | true | undefined): string | undefined {
  if (wanted !== true) return wanted
  const { name } = trainer.bundle.manifest
  const run = newestRun(name)
  if (run === undefined)
    throw new Failure(
      "checkpoint-none",
      `there is no run of ${name} below runs/ to resume`,
      "name a checkpoint",
    )
  return run
}

/** As a shell takes it for one word. */
const word = (text: string): string =>
  /^[\p{L}\p{N}_./=:@%+-]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
