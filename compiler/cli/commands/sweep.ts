/** cli: `nnc sweep`: trains a program once for every combination of settings, and says which did best. */
import { type Command, Option } from "commander"
import { writeFileSync } from "node:fs"
import { availableParallelism, freemem } from "node:os"
import { basename, join } from "node:path"
import { autoNodeDevice } from "../../../runtime/node.js"
import { compile } from "../../driver/compile.js"
import { wholeSettingsOf } from "../../driver/settings.js"
import { MODEL } from "../../driver/stages.js"
import type { Model } from "../../ir/model/types.js"
import { parse } from "../../parse/parse.js"
import { type Diagnostic, Diagnostics } from "../../source/diagnostic.js"
import { visible } from "../../source/visible.js"
import { DEFAULT_TARGET } from "../../targets/index.js"
import { inColumns } from "../columns.js"
import { readProgram } from "../compile-file.js"
import { note, print, printJson } from "../console.js"
import { EXIT, Failure, Refused, signalExit } from "../failure.js"
import { fileHost } from "../host.js"
import { interruption } from "../interruption.js"
import { numberText } from "../quantities.js"
import { comparisonPage } from "../runs/comparison-page.js"
import { drawnFrom, gridOf, type Settings } from "../sweep/grid.js"
import { STOP_RULES, type StopRule } from "../sweep/pruning.js"
import { runSweep, settingsText, type SweptRun, sweptRuns } from "../sweep/sweep.js"
import {
  emptySweepFolder,
  hasFailed,
  hashOfProgram,
  newSweepFolder,
  readPlan,
  savePlan,
  type SweepPlan,
} from "../sweep/sweep-folder.js"
import { integer, namedPairs } from "../usage.js"

interface Options {
  readonly set: ReadonlyMap<string, string>
  readonly random?: number
  readonly seed: number
  readonly by?: string
  readonly better?: "higher" | "lower"
  readonly stop?: StopRule
  readonly jobs?: number
  readonly out?: string
  readonly resume?: string
  readonly train?: string
  readonly device: SweepPlan["device"]
  readonly epochs?: number
  readonly steps?: number
  readonly json?: boolean
}

/** Options that say which sweep it is: one that goes on has them in its folder. */
const OF_THE_PLAN: (keyof Options)[] = [
  "set",
  "random",
  "seed",
  "by",
  "better",
  "stop",
  "out",
  "train",
  "device",
  "epochs",
  "steps",
]

const SWEEPS = "sweeps"
/** The memory of a run beside its tensors: Node, the compiler, the runtime. */
const BYTES_PER_RUN = 400 * 2 ** 20

export function addSweep(program: Command): void {
  program
    .command("sweep")
    .description("train once for every combination of settings, and say which did best")
    .argument("<file>", "program")
    .option(
      "--set <name=values>",
      "values to try, `lr=1e-4,1e-3`, or with --random a range, `lr=1e-5..1e-1`; may be given several times",
      namedPairs("values"),
      new Map<string, string>(),
    )
    .option("--random <runs>", "draw so many combinations instead of trying all", integer(1))
    .option("--seed <n>", "of what --random draws", integer(0, 2 ** 32 - 1), 0)
    .option(
      "--by <metric>",
      "what orders the runs (default: that of `keep best`, else the loss of rows held back)",
    )
    .addOption(new Option("--better <values>", "which values of it are better").choices(["higher", "lower"]))
    .addOption(
      new Option(
        "--stop <rule>",
        "end runs that fall behind: below the median of the others, or those that successive halving leaves out",
      ).choices(STOP_RULES),
    )
    .option(
      "--jobs <n>",
      "runs at once, or threads of runs that differ in numbers only and train at once (default: as cores and memory allow)",
      integer(1),
    )
    .option("--out <folder>", `where the sweep goes (default: the next ${SWEEPS}/NAME-N)`)
    .addOption(new Option("--resume <folder>", "go on with a sweep, as it was begun").conflicts(OF_THE_PLAN))
    .option("--train <name>", "the train section to run, when there are several")
    .addOption(
      new Option("--device <name>", "the device of all runs")
        .choices(["auto", "webgpu", "wasm"])
        .default("auto"),
    )
    .option("--epochs <n>", "train this many epochs instead of what the program says", integer(0))
    .addOption(
      new Option("--steps <n>", "train this many steps instead of what the program says")
        .argParser(integer(0))
        .conflicts("epochs"),
    )
    .option("--json", "print one object per run")
    .action(sweep)
}

async function sweep(program: string, options: Options): Promise<void> {
  const { folder, plan } =
    options.resume === undefined ? await planned(program, options) : resumed(options.resume, program)
  const device = await deviceOf(plan)
  const jobs = options.jobs ?? mostJobs(plan, device)
  note(`${plan.runs.length} runs in ${folder}/`)
  const interrupt = interruption()
  try {
    await runSweep({
      folder,
      program,
      plan,
      device,
      jobs,
      threads: options.jobs,
      signal: interrupt.signal,
      say: note,
    })
  } finally {
    interrupt.dispose()
  }
  const after = readPlan(folder, program)
  const runs = sweptRuns(folder, after)
  const page = join(folder, "sweep.html")
  writeFileSync(page, comparisonPage(runs.flatMap(({ facts }) => facts ?? [])))
  if (options.json) for (const { facts: _, ...run } of runs) printJson({ event: "run", ...run })
  else print(tableOf(runs, after))
  note(`curves in ${page}`)
  if (interrupt.signal.aborted) {
    note(`Saved. To go on: nnc sweep ${program} --resume ${folder}`)
    process.exitCode = signalExit(interrupt.by ?? "SIGINT")
    return
  }
  const failed = runs.filter(({ run }) => hasFailed(after, run)).length
  if (failed === 0) return
  note(`${failed} of ${runs.length} runs failed`)
  process.exitCode = EXIT.mistake
}

const resumed = (folder: string, program: string): { folder: string; plan: SweepPlan } => ({
  folder,
  plan: readPlan(folder, program),
})

/** Reports mistakes before anything trains. */
async function planned(program: string, options: Options): Promise<{ folder: string; plan: SweepPlan }> {
  const { set, random, seed, out } = options
  if (set.size === 0)
    throw new Failure("usage", "a sweep needs settings to try", "`--set lr=1e-4,1e-3` tries two", EXIT.usage)
  const runs =
    random === undefined
      ? gridOf(set)
      : drawnFrom(set, {
          count: random,
          seed,
          whole: wholeSettingsOf(parse(readProgram(program), new Diagnostics())),
        })
  const checked = runs.map((settings) => checkedWith(program, settings))
  const settingsWrong = checked
    .flatMap(({ errors }) => errors)
    .find(({ code }) => code.startsWith("setting-"))
  if (settingsWrong !== undefined) throw new Refused([settingsWrong])
  const model = checked.find((each) => each.model !== undefined)?.model
  // Nothing compiles: the errors of the first run are shown in full.
  if (model === undefined) throw new Refused(checked[0]?.errors ?? [])
  const ended = checked.flatMap(({ errors: [error] }, run) => (error ? [[String(run), error.message]] : []))
  const plan: SweepPlan = {
    sweep: 1,
    program: hashOfProgram(program),
    runs: [...runs],
    ...orderOf(model, options),
    stop: options.stop ?? null,
    device: options.device,
    options: trainOptions(options),
    ended: Object.fromEntries(ended) as Record<string, string>,
  }
  const folder = out === undefined ? newSweepFolder(SWEEPS, basename(program, ".nn")) : emptySweepFolder(out)
  await savePlan(folder, plan)
  return { folder, plan }
}

function checkedWith(
  path: string,
  settings: Settings,
): { readonly model: Model | undefined; readonly errors: readonly Diagnostic[] } {
  const host = fileHost(path)
  const options = {
    target: DEFAULT_TARGET,
    stopAfter: MODEL.name,
    settings: new Map(Object.entries(settings)),
  }
  const { diagnostics, stages } = compile(readProgram(path, host.read), host, options)
  const errors = diagnostics.filter(({ severity }) => severity === "error")
  return { model: stages.get(MODEL.name)?.json() as Model | undefined, errors }
}

/** By which metric, and which of its values are better. */
function orderOf(
  { trains, data }: Model,
  { train, by: asked, better }: Options,
): Pick<SweepPlan, "by" | "better"> {
  if (train === undefined && trains.length > 1)
    throw new Failure(
      "usage",
      `the program has ${trains.length} train sections, and runs of a sweep are of one`,
      `choose one of ${trains.map(({ name }) => `--train ${name}`).join(", ")}`,
      EXIT.usage,
    )
  const section = trains.find(({ name }) => train === undefined || name === train)
  if (section === undefined)
    throw new Failure(
      "usage",
      `the program has no train section${train ? ` "${visible(train)}"` : ""}`,
      undefined,
      EXIT.usage,
    )
  const { keepBest } = section.settings
  const rows = data.find(({ name }) => name === section.data)
  const held = heldBack(rows)
  const kept = keepBest && (keepBest.metric.startsWith(held) ? keepBest.metric : `${held}${keepBest.metric}`)
  const by = asked ?? kept ?? `${held}loss`
  const names = ["loss", ...section.reports]
  const known = [...names, ...(held === "" ? [] : names.map((name) => `${held}${name}`))]
  if (!known.includes(by))
    throw new Failure(
      "usage",
      `no run reports \`${visible(by)}\``,
      `metrics are ${known.join(", ")}`,
      EXIT.usage,
    )
  if (better !== undefined) return { by, better }
  if (keepBest && (by === kept || by === keepBest.metric)) return { by, better: keepBest.better }
  if (/(^|_)loss$/.test(by)) return { by, better: "lower" }
  throw new Failure("usage", `which values of \`${by}\` are better?`, "say it: `--better higher`", EXIT.usage)
}

/** The prefix of metrics over held-back rows. */
function heldBack(rows: Model["data"][number] | undefined): "val_" | "test_" | "" {
  if (rows === undefined) return ""
  const { split, val, test } = rows
  if (val || (split?.folds ?? null) !== null || (split?.val ?? 0) > 0) return "val_"
  return test || (split?.test ?? 0) > 0 ? "test_" : ""
}

const trainOptions = ({ train, epochs, steps }: Options): SweepPlan["options"] => ({
  ...(train !== undefined && { train }),
  ...(epochs !== undefined && { epochs }),
  ...(steps !== undefined && { steps }),
})

const deviceOf = async ({ device }: SweepPlan): Promise<"wasm" | "webgpu"> =>
  device === "auto" ? (await autoNodeDevice()).name : device

/** A processor takes a run a core; a GPU one at a time. */
function mostJobs({ runs }: SweepPlan, device: string): number {
  if (device !== "wasm") return 1
  return Math.max(1, Math.min(runs.length, availableParallelism(), Math.floor(freemem() / BYTES_PER_RUN)))
}

function tableOf(runs: readonly SweptRun[], { by }: SweepPlan): string {
  const names = Object.keys(runs[0]?.settings ?? {})
  const titles = ["run", ...names, by, "at step", "status"]
  const rows = runs.map(({ folder, settings, best, status }) => [
    folder,
    ...names.map((name) => settings[name] ?? ""),
    best === undefined ? "" : numberText(best.value),
    best === undefined ? "" : String(best.step),
    status,
  ])
  const [first] = runs
  const winner = first?.best === undefined ? "" : `\nbest: ${settingsText(first.settings)}`
  return `${inColumns(titles, rows, [by, "at step"]).join("\n")}${winner}`
}
