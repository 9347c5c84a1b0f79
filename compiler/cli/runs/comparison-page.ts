/** cli/runs: runs -> one HTML page that needs nothing else: their settings and last metrics in a table, a chart for each metric with a
 *  curve for each run. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { TrainEvent } from "../../../runtime/node.js"
import { markup, Markup, scriptData } from "../markup.js"
import { historyOf } from "../report/history.js"
import { chartLibrary, PAGE_STYLE } from "../report/page.js"
import type { RunFacts } from "./run-facts.js"
import { differingSettings, metricNames, metricText } from "./table.js"

interface Curve {
  readonly run: string
  readonly steps: readonly number[]
  readonly values: readonly (number | null)[]
}

export function comparisonPage(runs: readonly RunFacts[]): string {
  const settings = differingSettings(runs)
  const metrics = metricNames(runs)
  const curves = new Map<string, Curve[]>()
  for (const { folder } of runs) {
    const { steps, charts } = historyOf(eventsOf(folder))
    for (const { name, values } of charts.flatMap((chart) => chart.curves))
      curves.set(name, [...(curves.get(name) ?? []), { run: folder, steps, values }])
  }
  const charts = [...curves].map(([title, each]) => ({ title, curves: each }))
  const names = [...new Set(runs.map(({ program }) => program))].join(", ")
  return markup`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${names}: ${runs.length} runs</title>
<style>${chartLibrary.style}${PAGE_STYLE}</style>
<h1>${names}: ${runs.length} runs</h1>
<table>
<tr><th>run<th>status<th class="number">step${[...settings, ...metrics].map((name) => markup`<th class="number">${name}`)}
${runs.map(
  (run) => markup`<tr><td>${run.folder}<td>${run.status}<td class="number">${run.step}${[
    ...settings.map((name) => String(run.settings[name] ?? "")),
    ...metrics.map((name) => metricText(run.metrics[name])),
  ].map((cell) => markup`<td class="number">${cell}`)}
`,
)}</table>
<h2>Curves</h2>
<div id="charts"></div>
<script>${chartLibrary.script}</script>
<script>
const charts = ${scriptData(charts)}
${new Markup(CHARTS)}
</script>
</html>
`.text
}

/** Runs report at steps of their own, which uPlot joins. */
const CHARTS = `
for (const { title, curves } of charts) {
  const values = curves.flatMap((curve) => curve.values.filter((value) => value !== null))
  const logarithmic = Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) >= 100
  new uPlot(
    {
      title: logarithmic ? title + " (logarithmic)" : title,
      width: Math.min(460, innerWidth - 32),
      height: 300,
      scales: { x: { time: false }, y: { distr: logarithmic ? 3 : 1 } },
      axes: ["step", null].map((label) => ({ ...axis(), ...(label ? { label } : { size: 70 }) })),
      series: [
        { label: "step" },
        ...curves.map(({ run }, i) => ({
          label: run,
          stroke: "hsl(" + Math.round((360 * i) / curves.length) + " 70% 45%)",
          width: 1.5,
          spanGaps: true,
        })),
      ],
    },
    uPlot.join(curves.map((curve) => [curve.steps, curve.values])),
    document.getElementById("charts"),
  )
}`

function eventsOf(folder: string): readonly TrainEvent[] {
  return readFileSync(join(folder, "log.jsonl"), "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as TrainEvent]
      } catch {
        return []
      }
    })
}
