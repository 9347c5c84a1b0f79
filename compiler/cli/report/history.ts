/** cli/report: the events of a run folder -> its sessions and curves.
 *  Guarantees: steps ascend, each once: a step that a resumed run did again counts as it came out last. Curves of very long runs are
 *  thinned, first and last point kept.
 *  Not here:   how they look (page.ts). */
import type {
  EndEvent,
  ErrorEvent,
  Metric,
  ReportEvent,
  StartEvent,
  TrainEvent,
} from "../../../runtime/node.js"
import { reportsOf } from "../runs/log.js"

/** From one start of the program to its end. */
export interface Part {
  readonly start: StartEvent
  /** Missing while it runs, and when it ended otherwise than by itself. */
  readonly end: EndEvent | undefined
  /** The error that stopped it. */
  readonly error: ErrorEvent | undefined
}
export interface Chart {
  readonly title: string
  /** A number per step, or null. */
  readonly curves: readonly { readonly name: string; readonly values: readonly (number | null)[] }[]
}
export interface History {
  readonly parts: readonly Part[]
  readonly steps: readonly number[]
  readonly charts: readonly Chart[]
  /** The values of the last report, those that are no single number too. */
  readonly last: Readonly<Record<string, Metric>>
  readonly lastStep: number
}

/** More than a chart has pixels. */
const MOST_POINTS = 4000

export function historyOf(events: readonly TrainEvent[]): History {
  const parts: { start: StartEvent; end: EndEvent | undefined; error: ErrorEvent | undefined }[] = []
  for (const event of events) {
    if (event.event === "start") parts.push({ start: event, end: undefined, error: undefined })
    else if (event.event === "end" || event.event === "error") {
      const part = parts.at(-1)
      if (part) Object.assign(part, { [event.event]: event })
    }
  }
  const reports = reportsOf(events)
  const shown = thinned(reports)
  const { step, metrics } = reports.at(-1) ?? { step: 0, metrics: {} }
  return {
    parts,
    steps: shown.map((report) => report.step),
    charts: chartsOf(shown),
    last: metrics,
    lastStep: step,
  }
}

function thinned(reports: readonly ReportEvent[]): readonly ReportEvent[] {
  const stride = Math.ceil(reports.length / MOST_POINTS)
  return reports.filter((_, i) => i % stride === 0 || i === reports.length - 1)
}

const HELD_BACK = /^(val|test)_/

/** A value and the same over rows that are held back share a chart. */
function chartsOf(reports: readonly ReportEvent[]): readonly Chart[] {
  const names = new Set<string>()
  for (const { metrics } of reports)
    for (const [name, value] of Object.entries(metrics)) if (typeof value === "number") names.add(name)
  const titles = new Set([...names].map((name) => name.replace(HELD_BACK, "")))
  return [...titles].map((title) => ({
    title,
    curves: [title, `val_${title}`, `test_${title}`]
      .filter((name) => names.has(name))
      .map((name) => ({ name, values: reports.map((report) => finiteOrNull(report.metrics[name])) })),
  }))
}

const finiteOrNull = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null
