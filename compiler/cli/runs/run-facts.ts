/** cli/runs: a run folder -> its row in a list of runs. Only the log is read.
 *  Not here:   curves (`report/history.ts`), layout (`table.ts`). */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import type { EndEvent, ErrorEvent, Metric, ReportEvent, StartEvent, TrainEvent } from "../../../runtime/node.js"

export interface RunFacts {
  readonly folder: string
  readonly program: string
  readonly train: string
  /** The time of the last event. */
  readonly when: Date
  readonly status: "finished" | "stopped" | "interrupted" | "failed" | "not finished"
  /** Updates made, as far as the log says, of how many. */
  readonly step: number
  readonly steps: number
  readonly settings: StartEvent["settings"]
  /** The metrics of the last report. */
  readonly metrics: Readonly<Record<string, Metric>>
  readonly device: string
}

/** Runs below a folder, those of sweeps too, the oldest first. */
export const runsBelow = (parent: string): readonly RunFacts[] =>
  runsWithin(parent, DEEPEST).sort((a, b) => a.when.getTime() - b.when.getTime())

/** `sweeps/`, a sweep, a run. */
const DEEPEST = 2

function runsWithin(folder: string, depth: number): RunFacts[] {
  const own = runFacts(folder)
  if (own !== undefined) return [own]
  return depth === 0 ? [] : foldersIn(folder).flatMap((name) => runsWithin(join(folder, name), depth - 1))
}

/** Undefined for a folder that is no run. */
export function runFacts(folder: string): RunFacts | undefined {
  const path = join(folder, "log.jsonl")
  const lines = textOf(path)?.split("\n") ?? []
  const start = lastOf<StartEvent>(lines, "start")
  if (start === undefined) return undefined
  const report = lastOf<ReportEvent>(lines, "report")
  const ended = lastOf<EndEvent | ErrorEvent>(lines, "end", "error")
  // An end from before the run was resumed is none.
  const end = ended && ended.line > start.line ? ended.event : undefined
  const { program, train, steps, step, settings = {}, device } = start.event
  return {
    folder,
    program,
    train,
    when: statSync(path).mtime,
    status: statusOf(end),
    step: end?.event === "end" ? end.step : (report?.event.step ?? step),
    steps,
    settings,
    metrics: report?.event.metrics ?? {},
    device,
  }
}

function statusOf(end: EndEvent | ErrorEvent | undefined): RunFacts["status"] {
  if (end === undefined) return "not finished"
  return end.event === "error" ? "failed" : end.why
}

/** The last event of a kind; a line that a crash cut off is none. */
function lastOf<E extends TrainEvent>(
  lines: readonly string[],
  ...kinds: readonly E["event"][]
): { readonly event: E; readonly line: number } | undefined {
  for (let line = lines.length - 1; line >= 0; line--) {
    const event = eventOf(lines[line]!, kinds)
    if (event !== undefined) return { event: event as E, line }
  }
  return undefined
}

function eventOf(line: string, kinds: readonly string[]): TrainEvent | undefined {
  // The event stands first in a line, so that most lines need not be parsed.
  if (!kinds.some((kind) => line.startsWith(`{"event":"${kind}"`))) return undefined
  try {
    return JSON.parse(line) as TrainEvent
  } catch {
    return undefined
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

function foldersIn(parent: string): readonly string[] {
  try {
    return readdirSync(parent, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() || entry.isSymbolicLink() ? [entry.name] : [],
    )
  } catch {
    return []
  }
}
