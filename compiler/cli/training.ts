/** cli: the part that `nnc train` and `nnc run` share: the options of a run, interruption, and the last lines. */
import { Option, type Command } from "commander"
import { basename, dirname, join } from "node:path"
import { trainedWith, type Bundle, type Trainer } from "../../runtime/node.js"
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
import { watching } from "./watch.js"
import { integer, oneOf } from "./usage.js"

type Manifest = Bundle["manifest"]

interface RunOptions extends DeviceOptions {
  readonly json?: boolean
  readonly watch?: boolean
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

/** Adds the options of a run, and the action. */
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
    .option("--train <name>", "run this train section alone (default: all, one after the other)")
    .action(runTraining)
}

async function runTraining(path: string, options: RunOptions): Promise<void> {
  if (options.watch) return watching(path)
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
  try {
    const resume = resumed(trainer, options.resume)
    const { trains } = trainer.bundle.manifest
    const sections = await sectionsOf(trains, options.train, resume)
    const [{ train: first } = { train: undefined }] = sections
    let before: string | undefined
    for (const { train } of sections) {
      const start = before === undefined ? { resume, init: options.init } : { init: before }
      const runFolder = folderOf({ ...options, resume }, { train, first, apart: trains.length > 1 })
      const end = await runSection(trainer, options, { ...start, train, runFolder, signal: interrupt.signal })
      if (end.why === "interrupted") {
        const section = options.train === undefined ? "" : ` --train ${word(options.train)}`
        note(`Saved. To go on: nnc train ${word(path)} --resume ${word(end.runFolder ?? "")}${section}`)
        process.exitCode = signalExit(interrupt.by ?? "SIGINT")
        return
      }
      if (options.json !== true) note(`checkpoint, log and report in ${join(end.runFolder ?? "", "/")}`)
      before = end.runFolder
    }
  } finally {
    interrupt.dispose()
    trainer.close()
  }
}

interface Section {
  /** Left out: the only one. */
  readonly train?: string | undefined
}

/** The sections of a run in their order: the one that is named, or all; of a run that goes on, its own and those after it. */
async function sectionsOf(
  trains: Manifest["trains"],
  named: string | undefined,
  resume: string | undefined,
): Promise<readonly Section[]> {
  if (named !== undefined || trains.length <= 1) return [{ train: named }]
  const names = trains.map(({ name }) => name)
  const its = resume === undefined ? undefined : (await trainedWith(resume, "last")).train
  const from = its === undefined ? 0 : Math.max(0, names.indexOf(its))
  return names.slice(from).map((train) => ({ train }))
}

/** Each of several sections has a run folder of its own, below that of `--out` by its name. `first`: the one that goes on, with `resume`. */
function folderOf(
  { out, resume, train: named }: Pick<RunOptions, "out" | "train"> & { readonly resume?: string | undefined },
  { train, first, apart }: Section & { readonly first: string | undefined; readonly apart: boolean },
): string {
  if (out !== undefined) return apart && named === undefined ? join(out, train ?? "") : out
  const resumes = resume === undefined ? undefined : runFolderOf(resume)
  if (resumes === undefined) return "new"
  if (train === first) return resumes
  return basename(resumes) === first ? join(dirname(resumes), train ?? "") : "new"
}

async function runSection(
  trainer: Trainer,
  options: RunOptions,
  {
    train,
    resume,
    init,
    runFolder,
    signal,
  }: Section & {
    readonly resume?: string | undefined
    readonly init?: string | undefined
    readonly runFolder: string
    readonly signal: AbortSignal
  },
): Promise<Awaited<ReturnType<Trainer["train"]>>> {
  const { json = false, epochs, steps, seed, log: logs = [], overwrite = false } = options
  const report = new RunReport(trainer.bundle.manifest)
  const show = showEvents(json)
  const tensorboard = logs.includes("tensorboard") ? new TensorboardLog() : undefined
  let folder: string | undefined
  try {
    const end = await trainer.train({
      ...(epochs === undefined ? {} : { epochs }),
      ...(steps === undefined ? {} : { steps }),
      ...(seed === undefined ? {} : { seed }),
      ...(train === undefined ? {} : { train }),
      ...(resume === undefined ? {} : { resume }),
      ...(init === undefined ? {} : { init }),
      runFolder,
      overwrite,
      signal,
      onEvent: (event) => {
        report.see(event)
        if (event.event === "start") folder = event.folder
        tensorboard?.see(event, Date.now() / 1000)
        // An error is shown where the command ends.
        if (event.event !== "error") show(event)
      },
    })
    if (end.why !== "interrupted") await report.showSamples(trainer, train, end)
    return end
  } finally {
    await report.finish()
    if (folder !== undefined && logs.includes("csv")) await writeCsvLog(folder)
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

/** A text quoted so that a shell takes it for one word. */
const word = (text: string): string =>
  /^[\p{L}\p{N}_./=:@%+-]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
