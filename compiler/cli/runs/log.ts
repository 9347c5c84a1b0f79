/** cli/runs: the events of a run, as its log has them. A line that a crash cut off is left out. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { ReportEvent, TrainEvent } from "../../../runtime/node.js"

/** Undefined where there is no log. */
export function loggedEvents(folder: string): TrainEvent[] | undefined {
  const text = attempt(() => readFileSync(join(folder, "log.jsonl"), "utf8"))
  return text?.split("\n").flatMap((line) => attempt(() => [JSON.parse(line) as TrainEvent]) ?? [])
}

/** The reports with ascending steps, each once: a step that a resumed run did again counts as it came out last. */
export function reportsOf(events: readonly TrainEvent[]): readonly ReportEvent[] {
  let reports: ReportEvent[] = []
  for (const event of events) {
    if (event.event === "start") reports = reports.filter(({ step }) => step < event.step)
    // Logs of version 1 had no metrics.
    else if (event.event === "report" && "metrics" in event) {
      if (reports.at(-1)?.step === event.step) reports.pop()
      reports.push(event)
    }
  }
  return reports
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
