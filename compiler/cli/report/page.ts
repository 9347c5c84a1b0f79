/** cli/report: a run -> one HTML page that needs nothing else: facts, curves, the tensors of the model.
 *  Guarantees: names and values of the program cannot break out of their place.
 *  Not here:   when and where it is written (write.ts). */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { type AnyManifest, slotsOf } from "../../../runtime/bundle/builds.js"
import type { Samples, TrainEvent } from "../../../runtime/node.js"
import { deviceText } from "../open-program.js"
import { axisNames, type AxisNames } from "../metric-text.js"
import { markup, Markup, scriptData } from "../markup.js"
import { bytesText, numberText, rateText, rowsText, timeText } from "../quantities.js"
import { historyOf, type History, type Part } from "./history.js"
import { samplesSection } from "./samples.js"

export function reportPage(manifest: AnyManifest, events: readonly TrainEvent[], samples?: Samples): string {
  const history = historyOf(events)
  const { steps, charts } = history
  const best = history.parts.at(-1)?.end?.best
  const perEpoch = history.parts.at(-1)?.start.steps_per_epoch ?? 0
  return markup`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${manifest.name}: a training run</title>
<style>${chartLibrary.style}${PAGE_STYLE}</style>
<h1>${manifest.name}</h1>
<p>${statusText(history)}</p>
<h2>Run</h2>
${factsTable(manifest, history)}
<h2>Curves</h2>
<div id="charts"></div>
<h2>Last report</h2>
${valuesTable(history, perEpoch, axisNames(manifest, history.parts.at(-1)?.start.train))}
${samples ? samplesSection(samples) : markup``}
<h2>Model</h2>
${modelTable(manifest)}
<script>${chartLibrary.script}</script>
<script>
const { steps, charts, best, perEpoch } = ${scriptData({ steps, charts, best: best ?? null, perEpoch })}
${new Markup(CHARTS)}
</script>
</html>
`.text
}

/** Light or dark, as the reader's system is; tables that are too wide for a phone scroll by themselves. */
export const PAGE_STYLE = new Markup(`
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  background: light-dark(#fff, #16181d); color: light-dark(#1c2430, #dfe3ea); }
table { border-collapse: collapse; display: block; overflow-x: auto; }
td table { margin: 0.3rem 0; } td table td, td table th { padding: 0.25rem 0.6rem; }
td.right { color: light-dark(#14713a, #6fd08c); } td.wrong { color: light-dark(#b3261e, #ff8a80); }
img.sample { image-rendering: pixelated; width: 4rem; height: 4rem; object-fit: contain; display: block; }
td, th { padding: 0.15rem 1rem 0.15rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
#charts { display: flex; flex-wrap: wrap; gap: 1rem; }
`)

/** A logarithmic axis where a linear one would show a flat line. */
const CHARTS = `
const colors = ["#4a90d9", "#e0603f", "#3fa860"]
const ofBest = (u) => {
  const series = u.series.findIndex(({ label }) => best && label === best.metric)
  if (series < 1) return
  const [x, y] = [u.valToPos(best.step, "x", true), u.valToPos(best.value, u.series[series].scale, true)]
  u.ctx.beginPath()
  u.ctx.arc(x, y, 5 * devicePixelRatio, 0, 2 * Math.PI)
  u.ctx.lineWidth = 2 * devicePixelRatio
  u.ctx.strokeStyle = colors[series - 1]
  u.ctx.stroke()
}
/** Epochs along the top. */
const epochs = () => ({
  ...axis(), scale: "x", side: 0, size: 34, grid: { show: false },
  values: (u, steps) => steps.map((step) => {
    const epoch = step / perEpoch
    return Number.isInteger(epoch) ? "ep. " + epoch : ""
  }),
  splits: (u, _, low, high) => {
    const every = Math.max(1, Math.ceil((high - low) / perEpoch / 6))
    const first = Math.ceil(low / perEpoch / every) * every
    return Array.from({ length: 8 }, (_, i) => (first + i * every) * perEpoch).filter((step) => step <= high)
  },
})
for (const { title, curves } of charts) {
  const values = curves.flatMap((curve) => curve.values.filter((value) => value !== null))
  const logarithmic = Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) >= 100
  new uPlot(
    {
      title: logarithmic ? title + " (logarithmic)" : title,
      width: Math.min(460, innerWidth - 32),
      height: 300,
      scales: { x: { time: false }, y: { distr: logarithmic ? 3 : 1 } },
      axes: [{ ...axis(), label: "step" }, { ...axis(), size: 70 }, ...(perEpoch > 1 ? [epochs()] : [])],
      hooks: { draw: [ofBest] },
      series: [
        { label: "step" },
        ...curves.map(({ name }, i) => ({ label: name, stroke: colors[i], width: 1.5, spanGaps: true })),
      ],
    },
    [steps, ...curves.map((curve) => curve.values)],
    document.getElementById("charts"),
  )
}`

const require = createRequire(import.meta.url)
const file = (name: string): string => readFileSync(require.resolve(`uplot/dist/${name}`), "utf8")

/** uPlot, and axes that can be read on the background of the page. */
export const chartLibrary = {
  get style() {
    return new Markup(file("uPlot.min.css"))
  },
  get script() {
    return new Markup(`${file("uPlot.iife.min.js")}
const axis = () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches
  const grid = { stroke: dark ? "#333" : "#e6e6e6" }
  return { stroke: dark ? "#dfe3ea" : "#1c2430", grid, ticks: grid }
}`)
  },
}

const ENDED = {
  finished: "Finished",
  stopped: "Stopped early, as the metric that `patience` follows did not become better,",
  interrupted: "Interrupted",
}

function statusText({ parts, lastStep }: History): string {
  const part = parts.at(-1)
  if (part?.error !== undefined) {
    const { code, message, help } = part.error
    return `Stopped after step ${lastStep} of ${part.start.steps}: ${message} (${code}${help === undefined ? "" : `; ${help}`}).`
  }
  if (part?.end === undefined) return `Not finished when this was written, at step ${lastStep}.`
  const of = ` at step ${part.end.step} of ${part.start.steps}.`
  const { why, best } = part.end
  const kept =
    best === undefined ? "" : ` Best ${best.metric}: ${numberText(best.value)} at step ${best.step}.`
  return `${ENDED[why]}${of}${kept}`
}

function factsTable({ compiler }: AnyManifest, { parts }: History): Markup {
  const start = parts.at(-1)?.start
  if (start === undefined) return markup``
  const { train, parameters, data_bytes, placement, batch, steps_per_epoch, seed, settings } = start
  const lies = placement === "streamed" ? "streamed" : "on the device"
  const data = start.rows === 0 ? "none" : `${rowsText(start)}, ${bytesText(data_bytes)} ${lies}`
  const facts: [string, string][] = [
    ["train section", train],
    ["parameters", String(parameters)],
    ["data", data],
    ["batch", `${batch} rows, ${steps_per_epoch} steps per epoch`],
    ["seed", String(seed)],
    ...Object.entries(settings ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
    ["compiled by", `nnc ${compiler}`],
  ]
  return markup`${table(facts.map(([name, value]) => markup`<th>${name}<td>${value}`))}
<h3>Device and time</h3>
${table([
  markup`<th class="number">from step<th class="number">to step<th class="number">time<th class="number">steps/s<th>device`,
  ...parts.map(partRow),
])}`
}

function partRow({ start, end }: Part): Markup {
  const cells = [
    String(start.step),
    end ? String(end.step) : "",
    end ? timeText(end.seconds) : "",
    end ? rateText(end.steps_per_second) : "",
  ]
  return markup`${cells.map((cell) => markup`<td class="number">${cell}`)}<td>${deviceText(start)}`
}

const valuesTable = (
  { last, lastStep }: History,
  perEpoch: number,
  names: (metric: string) => AxisNames | undefined,
): Markup =>
  table([
    markup`<th>step<td class="number">${lastStep}`,
    ...(perEpoch > 1 ? [markup`<th>epoch<td class="number">${numberText(lastStep / perEpoch)}`] : []),
    ...Object.entries(last).map(
      ([name, value]) => markup`<th>${name}<td class="number">${valueText(value, names(name))}`,
    ),
  ])

/** Values with rows of their own, such as a confusion matrix, as a table in the cell; `names`: of its rows and columns. */
function valueText(value: unknown, names?: AxisNames): Markup {
  if (typeof value === "number") return markup`${numberText(value)}`
  if (!Array.isArray(value)) return markup`${String(value)}`
  const rows: unknown[] = value.some(Array.isArray) ? value : [value]
  const cells = rows.map((row) => {
    const own = [row].flat()
    const counts = own.filter((cell) => typeof cell === "number")
    const isCounted = counts.length === own.length && counts.every((count) => count >= 0)
    const total = isCounted ? counts.reduce((a, b) => a + b, 0) : 0
    return own.map((cell) => markup`<td class="number"${shade(cell, total)}>${valueText(cell)}`)
  })
  if (!names) return table(cells.map((row) => markup`${row}`))
  const isMatrix = rows === value
  const rowNames = isMatrix ? names(rows.length).map((name) => markup`<th>${String(name)}`) : [markup``]
  return table([
    markup`${isMatrix ? markup`<th>` : markup``}${names(cells[0]!.length).map((name) => markup`<th class="number">${String(name)}`)}`,
    ...cells.map((row, i) => markup`${rowNames[i]!}${row}`),
  ])
}

/** The more of its row a count is, the deeper its colour. */
const shade = (cell: unknown, total: number): Markup =>
  typeof cell === "number" && cell > 0 && total > 0
    ? new Markup(` style="background: rgb(74 144 217 / ${Math.round(75 * (cell / total))}%)"`)
    : new Markup("")

const ROLES: Readonly<Record<string, string>> = {
  param: "learned",
  state: "running value",
  average: "average of what is learned",
  run: "of the run",
}

function modelTable(manifest: AnyManifest): Markup {
  const slots = slotsOf(manifest)
  const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
  const sum = (role: string): number =>
    slots.filter((slot) => slot.role === role).reduce((total, { shape }) => total + count(shape), 0)
  return table([
    markup`<th>tensor<th>shape<th class="number">values<th>`,
    ...slots
      .filter(({ role }) => role !== "optimizer")
      .map(
        ({ name, dtype, shape, role }) =>
          markup`<td>${name}<td>${dtype}[${shape.join(", ")}]<td class="number">${count(shape)}<td>${ROLES[role] ?? role}`,
      ),
    markup`<th>all that is learned<th><th class="number">${sum("param")}<th>`,
    markup`<th>state of the optimizer<th><th class="number">${sum("optimizer")}<th>`,
  ])
}

const table = (rows: readonly Markup[]): Markup =>
  markup`<table>\n${rows.map((row) => markup`<tr>${row}\n`)}</table>`
