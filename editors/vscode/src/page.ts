/** The page of the curves: draws the points that the extension sends. */
import uPlot from "uplot"

export interface Shown {
  readonly title: string
  readonly steps: readonly number[]
  readonly charts: readonly {
    readonly title: string
    /** A number per step, or null. */
    readonly curves: readonly { readonly name: string; readonly values: readonly (number | null)[] }[]
  }[]
}

declare function acquireVsCodeApi(): { postMessage(message: unknown): void }

const COLORS = ["charts-blue", "charts-red", "charts-green"]
const colorOf = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--vscode-${name}`)

const drawn = new Map<string, uPlot>()

function draw({ title, steps, charts }: Shown): void {
  document.getElementById("title")!.textContent = title
  for (const { title: name, curves } of charts) {
    const data: uPlot.AlignedData = [[...steps], ...curves.map(({ values }) => [...values])]
    // A curve may come later, as that of the rows for the test does.
    const key = [name, ...curves.map((curve) => curve.name)].join("\n")
    const known = drawn.get(key)
    if (known) known.setData(data)
    else {
      for (const [other, plot] of drawn)
        if (other.startsWith(`${name}\n`)) {
          plot.destroy()
          drawn.delete(other)
        }
      drawn.set(key, chart(name, curves, data))
    }
  }
}

/** A logarithmic axis where a linear one would show a flat line. */
function chart(title: string, curves: Shown["charts"][number]["curves"], data: uPlot.AlignedData): uPlot {
  const values = curves.flatMap((curve) => curve.values.filter((value) => value !== null))
  const isLogarithmic = Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) >= 100
  const grid = { stroke: colorOf("editorWidget-border"), width: 1 }
  const axis = { stroke: colorOf("foreground"), grid, ticks: grid }
  return new uPlot(
    {
      title: isLogarithmic ? `${title} (logarithmic)` : title,
      width: Math.min(460, innerWidth - 32),
      height: 300,
      scales: { x: { time: false }, y: { distr: isLogarithmic ? 3 : 1 } },
      axes: [
        { ...axis, label: "step" },
        { ...axis, size: 70 },
      ],
      series: [
        { label: "step" },
        ...curves.map(({ name }, i) => ({
          label: name,
          stroke: colorOf(COLORS[i] ?? "foreground"),
          width: 1.5,
          spanGaps: true,
        })),
      ],
    },
    data,
    document.getElementById("charts")!,
  )
}

addEventListener("message", ({ data }: MessageEvent<Shown>) => draw(data))
acquireVsCodeApi().postMessage("ready")
