/** cli/sweep: the runs of a sweep: those that differ in numbers only at once, the others several at a time; and the outcome of each.
 *  Guarantees: a sweep that is ended, in whatever way, goes on where it was: runs that are finished stay, those under way resume from
 *              their last checkpoint, the others begin.
 *  Not here:   the command line (`commands/sweep.ts`). */
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { ReportEvent, TrainEvent } from "../../../runtime/node.js"
import { RunError } from "../../../runtime/error.js"
import type { RunsAtOnce } from "../../driver/compile-runs.js"
import { loggedEvents, reportsOf } from "../runs/log.js"
import { runFacts, type RunFacts } from "../runs/run-facts.js"
import { runsAtOnce, trainAtOnce } from "./at-once.js"
import { isBetter, isHopeless, type Reported } from "./pruning.js"
import { runOne, type RunOrder } from "./run-one.js"
import { runFolder, savePlan, STOPPED_EARLY, type SweepPlan } from "./sweep-folder.js"

export interface Sweep {
  readonly folder: string
  readonly program: string
  readonly plan: SweepPlan
  readonly device: "wasm" | "webgpu"
  /** Runs at once that are processes of their own. */
  readonly jobs: number
  /** The number of runs that train at once; left out: chosen from the work. */
  readonly threads: number | undefined
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}
export interface SweptRun {
  readonly run: number
  readonly folder: string
  readonly settings: SweepPlan["runs"][number]
  readonly status: string
  readonly facts: RunFacts | undefined
  /** The best value of the metric, and when; undefined where it never came. */
  readonly best: Reported | undefined
}

/** Runs the runs that are left. */
export async function runSweep(sweep: Sweep): Promise<void> {
  const { folder, plan, signal, say } = sweep
  const runs = new Runs(sweep)
  const sets: RunsAtOnce[] = []
  for (const sameStep of runs.bySteps()) {
    const found = await runsAtOnce(
      sweep.program,
      sameStep.map((run) => plan.runs[run]!),
      sweep.device,
    )
    for (const { runs: members, bundles } of found)
      sets.push({ runs: members.map((n) => sameStep[n]!), bundles })
  }
  const together = new Set(sets.flatMap((set) => set.runs))
  const apart = runs.waiting.filter((run) => !together.has(run))
  for (const set of sets) {
    if (signal.aborted) return
    say(
      `${set.runs.length} runs differ in numbers only and train at once: ${placesOf(folder, plan, set.runs)}`,
    )
    if (!(await runs.atOnce(set))) apart.push(...set.runs)
  }
  const worker = async (): Promise<void> => {
    for (let run = apart.shift(); run !== undefined && !signal.aborted; run = apart.shift())
      await runs.alone(run)
  }
  await Promise.all(Array.from({ length: sweep.jobs }, worker))
}

/** `sweeps/c-1/01 to 16`, or all of them. */
function placesOf(folder: string, plan: SweepPlan, runs: readonly number[]): string {
  const names = runs.map((run) => runFolder(folder, plan, run))
  return names.length <= 4 ? names.join(", ") : `${names.slice(0, 3).join(", ")}, ..., ${names.at(-1)}`
}

class Runs {
  readonly waiting: readonly number[]
  private readonly reports: Reported[][]
  private readonly totals: number[]
  private readonly ended: Record<string, string>

  constructor(private readonly sweep: Sweep) {
    const { folder, plan } = sweep
    this.ended = { ...plan.ended }
    this.reports = plan.runs.map((_, run) => reportsIn(runFolder(folder, plan, run), plan.by))
    this.totals = plan.runs.map(() => Infinity)
    this.waiting = plan.runs
      .map((_, run) => run)
      .filter((run) => !(run in this.ended) && !hasEnded(runFacts(runFolder(folder, plan, run))))
  }

  /** Those that have come as far as each other. */
  bySteps(): readonly (readonly number[])[] {
    const sets = new Map<number, number[]>()
    for (const run of this.waiting) {
      const step = checkpointStep(this.folderOf(run))
      sets.set(step, [...(sets.get(step) ?? []), run])
    }
    return [...sets.values()].filter((runs) => runs.length > 1)
  }

  async alone(run: number): Promise<void> {
    const { jobs, device, plan } = this.sweep
    // Runs side by side share the cores; threads change no bit of a result.
    const threads = device === "wasm" && jobs > 1 ? ["--threads", "1"] : []
    const { order, settle } = this.ordered(run)
    await settle(await runOne(order, ["--device", plan.device, ...threads]))
  }

  /** False where the device has no room for them. */
  async atOnce(set: RunsAtOnce): Promise<boolean> {
    const { device, threads } = this.sweep
    const ordered = set.runs.map((run) => this.ordered(run))
    try {
      const failures = await trainAtOnce(
        set,
        ordered.map(({ order }) => order),
        { device, threads },
      )
      for (const [i, { settle }] of ordered.entries()) await settle(failures[i])
      return true
    } catch (caught) {
      if (caught instanceof RunError && caught.code === "device-limits") return false
      throw caught
    }
  }

  /** The options of a run, and the action when it is over. */
  private ordered(run: number): {
    readonly order: RunOrder
    readonly settle: (failure: string | undefined) => Promise<void>
  } {
    const { plan, program, signal, say } = this.sweep
    const folder = this.folderOf(run)
    const settings = plan.runs[run]!
    const stop = new AbortController()
    let pruned = false
    const order: RunOrder = {
      program,
      settings,
      folder,
      resume: existsSync(join(folder, "checkpoints", "last.safetensors")),
      options: plan.options,
      signal: AbortSignal.any([signal, stop.signal]),
      onEvent: (event) => {
        if (stop.signal.aborted || !this.fallsBehind(run, event)) return
        pruned = true
        stop.abort()
      },
    }
    const settle = async (failure: string | undefined): Promise<void> => {
      if (failure !== undefined && !signal.aborted) await this.note(run, failure)
      else if (pruned) await this.note(run, STOPPED_EARLY)
      if (!signal.aborted)
        say(`${folder}: ${settingsText(settings)}: ${statusOf(run, this.ended, runFacts(folder))}`)
    }
    return { order, settle }
  }

  private fallsBehind(run: number, event: TrainEvent): boolean {
    const { plan } = this.sweep
    if (event.event === "start") this.totals[run] = event.steps
    if (event.event !== "report" || event.step === 0) return false
    const own = this.reports[run]!
    own.push(...valueOf(event, plan.by))
    if (plan.stop === null) return false
    const others = this.reports.filter((_, other) => other !== run)
    return isHopeless(plan.stop, { own, others, total: this.totals[run]!, better: plan.better })
  }

  private async note(run: number, why: string): Promise<void> {
    this.ended[run] = why
    const { folder, plan } = this.sweep
    await savePlan(folder, { ...plan, ended: this.ended })
  }

  private folderOf(run: number): string {
    return runFolder(this.sweep.folder, this.sweep.plan, run)
  }
}

/** The step of the last checkpoint to go on with, by the log; 0 where there is none. */
const checkpointStep = (folder: string): number =>
  Math.max(
    0,
    ...(loggedEvents(folder) ?? [])
      .slice(-EVENTS_LOOKED_AT)
      .flatMap((event) => (event.event === "checkpoint" && event.kind === "last" ? [event.step] : [])),
  )
/** A run that is over says so at the end of its log. */
const EVENTS_LOOKED_AT = 1000

/** All runs, the best first; those without a value come last. */
export function sweptRuns(folder: string, plan: SweepPlan): readonly SweptRun[] {
  const runs = plan.runs.map((settings, run): SweptRun => {
    const place = runFolder(folder, plan, run)
    const facts = runFacts(place)
    const best = reportsIn(place, plan.by).reduce<Reported | undefined>(
      (most, each) => (most === undefined || isBetter(each.value, most.value, plan.better) ? each : most),
      undefined,
    )
    return { run, folder: place, settings, status: statusOf(run, plan.ended, facts), facts, best }
  })
  return runs.sort((a, b) => {
    if (a.best === undefined || b.best === undefined)
      return Number(a.best === undefined) - Number(b.best === undefined) || a.run - b.run
    return isBetter(a.best.value, b.best.value, plan.better)
      ? -1
      : a.best.value === b.best.value
        ? a.run - b.run
        : 1
  })
}

/** Also where `patience` ran out. */
const hasEnded = (facts: RunFacts | undefined): boolean =>
  facts?.status === "finished" || facts?.status === "stopped"

const statusOf = (run: number, ended: SweepPlan["ended"], facts: RunFacts | undefined): string =>
  ended[run] ?? facts?.status ?? "not begun"

export const settingsText = (settings: SweepPlan["runs"][number]): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ")

function valueOf({ step, metrics }: ReportEvent, by: string): readonly Reported[] {
  const value = metrics[by]
  return typeof value === "number" && Number.isFinite(value) ? [{ step, value }] : []
}

/** Before the first step nothing was learned. */
const reportsIn = (folder: string, by: string): Reported[] =>
  reportsOf(loggedEvents(folder) ?? [])
    .filter(({ step }) => step > 0)
    .flatMap((event) => valueOf(event, by))
