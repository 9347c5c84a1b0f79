/** cli/sweep: the runs of a sweep, several at once, and what came of each.
 *  Guarantees: a sweep that is ended, in whatever way, goes on where it was: runs that are finished stay, those under way resume from
 *              their last checkpoint, the others begin.
 *  Not here:   the command line (`commands/sweep.ts`). */
import { existsSync } from "node:fs"
import { join } from "node:path"
import type { ReportEvent, TrainEvent } from "../../../runtime/node.js"
import { loggedEvents, reportsOf } from "../runs/log.js"
import { runFacts, type RunFacts } from "../runs/run-facts.js"
import { isBetter, isHopeless, type Reported } from "./pruning.js"
import { runOne } from "./run-one.js"
import { runFolder, savePlan, STOPPED_EARLY, type SweepPlan } from "./sweep-folder.js"

export interface Sweep {
  readonly folder: string
  readonly program: string
  readonly plan: SweepPlan
  /** Runs at once. */
  readonly jobs: number
  /** Options of `nnc train` that change no result. */
  readonly threads: readonly string[]
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

/** Runs what is left to run. */
export async function runSweep({ folder, program, plan, jobs, threads, signal, say }: Sweep): Promise<void> {
  const reports = plan.runs.map((_, run) => reportsIn(runFolder(folder, plan, run), plan.by))
  const ended = { ...plan.ended }
  const note = async (run: number, why: string): Promise<void> => {
    ended[run] = why
    await savePlan(folder, { ...plan, ended })
  }
  const waiting = plan.runs
    .map((_, run) => run)
    .filter((run) => !(run in ended) && !hasEnded(runFacts(runFolder(folder, plan, run))))
  const one = async (run: number): Promise<void> => {
    const place = runFolder(folder, plan, run)
    const stop = new AbortController()
    const onAbort = (): void => stop.abort()
    signal.addEventListener("abort", onAbort)
    let pruned = false
    const onEvent = (event: TrainEvent): void => {
      if (event.event !== "report" || event.step === 0) return
      reports[run]!.push(...valueOf(event, plan.by))
      const others = reports.filter((_, other) => other !== run)
      if (!plan.median || stop.signal.aborted || !isHopeless(reports[run]!, others, plan.better)) return
      pruned = true
      stop.abort()
    }
    const resume = existsSync(join(place, "checkpoints", "last.safetensors"))
    const order = {
      program,
      settings: plan.runs[run]!,
      folder: place,
      resume,
      options: [...plan.options, ...threads],
    }
    const failure = await runOne({ ...order, onEvent, signal: stop.signal })
    signal.removeEventListener("abort", onAbort)
    if (failure !== undefined && !signal.aborted) await note(run, failure)
    else if (pruned) await note(run, STOPPED_EARLY)
    if (!signal.aborted)
      say(`${place}: ${settingsText(plan.runs[run]!)}: ${statusOf(run, ended, runFacts(place))}`)
  }
  const worker = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined && !signal.aborted; run = waiting.shift())
      await one(run)
  }
  await Promise.all(Array.from({ length: jobs }, worker))
}

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
