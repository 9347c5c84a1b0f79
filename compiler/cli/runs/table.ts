/** cli/runs: runs -> a table of text. Settings are shown where the runs differ in them. */
import { inColumns } from "../columns.js"
import { numberText } from "../quantities.js"
import type { RunFacts } from "./run-facts.js"

/** Names of settings that are not the same in all runs. */
export function differingSettings(runs: readonly RunFacts[]): readonly string[] {
  const names = new Set(runs.flatMap(({ settings }) => Object.keys(settings)))
  return [...names].filter((name) => new Set(runs.map(({ settings }) => settings[name])).size > 1)
}

/** Names of metrics that are single numbers in some run. */
export const metricNames = (runs: readonly RunFacts[]): readonly string[] => [
  ...new Set(
    runs.flatMap(({ metrics }) =>
      Object.entries(metrics).flatMap(([name, value]) => (typeof value === "number" ? [name] : [])),
    ),
  ),
]

export function runsTable(runs: readonly RunFacts[]): string {
  const settings = differingSettings(runs)
  const metrics = metricNames(runs)
  const titles = ["run", "program", "when", "status", "step", "of", ...settings, ...metrics]
  const rows = runs.map((run) => [
    run.folder,
    run.train === "train" ? run.program : `${run.program} (${run.train})`,
    run.when.toISOString().slice(0, 16).replace("T", " "),
    run.status,
    String(run.step),
    String(run.steps),
    ...settings.map((name) => String(run.settings[name] ?? "")),
    ...metrics.map((name) => metricText(run.metrics[name])),
  ])
  return inColumns(titles, rows, ["step", "of", ...metrics]).join("\n")
}

export const metricText = (value: unknown): string =>
  typeof value === "number" ? numberText(value) : typeof value === "string" ? value : ""
