/** play: the curves of a run while it goes on: the loss first, then a chart for each metric; train and held back in one. */
import type { ReportEvent } from "nnc/runtime/browser"
import uPlot from "uplot"
import { colour, h, numberText } from "./dom.js"

interface Chart {
  readonly names: readonly string[]
  readonly plot: uPlot
  readonly box: HTMLElement
}

const HELD = /^(val|test)_/

export class Curves {
  private readonly charts = new Map<string, Chart>()
  private readonly steps: number[] = []
  private readonly values = new Map<string, (number | null)[]>()
  private isDrawing = false

  constructor(private readonly parent: HTMLElement) {
    new ResizeObserver(() => this.resize()).observe(parent)
  }

  clear(): void {
    for (const { plot, box } of this.charts.values()) {
      plot.destroy()
      box.remove()
    }
    this.charts.clear()
    this.steps.length = 0
    this.values.clear()
  }

  add({ step, metrics }: ReportEvent): void {
    // The last report of a run may come for a step that has one.
    if (this.steps.at(-1) === step) return
    const numbers = Object.entries(metrics).filter(
      (each): each is [string, number] => typeof each[1] === "number",
    )
    this.steps.push(step)
    for (const [name] of numbers)
      if (!this.values.has(name))
        this.values.set(
          name,
          this.steps.slice(1).map(() => null),
        )
    const now = new Map(numbers)
    for (const [name, list] of this.values) list.push(now.get(name) ?? null)
    if (this.isDrawing) return
    this.isDrawing = true
    requestAnimationFrame(() => {
      this.isDrawing = false
      this.draw()
    })
  }

  /** Anew, as colours changed. */
  redraw(): void {
    for (const { plot, box } of this.charts.values()) {
      plot.destroy()
      box.remove()
    }
    this.charts.clear()
    this.draw()
  }

  private draw(): void {
    const groups = new Map<string, string[]>()
    for (const name of this.values.keys()) {
      const metric = name.replace(HELD, "")
      groups.set(metric, [...(groups.get(metric) ?? []), name])
    }
    for (const [metric, names] of groups) {
      const known = this.charts.get(metric)
      const chart = known?.names.length === names.length ? known : this.newChart(metric, names)
      chart.plot.setData([this.steps, ...names.map((name) => this.values.get(name) ?? [])])
    }
  }

  private newChart(metric: string, names: readonly string[]): Chart {
    const old = this.charts.get(metric)
    old?.plot.destroy()
    const box = old?.box ?? h("figure", { className: "chart" })
    box.replaceChildren(h("figcaption", {}, metric))
    if (!old) this.parent.append(box)
    const axis: uPlot.Axis = {
      stroke: colour("muted"),
      font: "11px system-ui",
      grid: { stroke: colour("grid"), width: 1 },
      ticks: { show: false },
      gap: 4,
    }
    const colours = [colour("accent"), colour("accent-2"), colour("accent-3")]
    const plot = new uPlot(
      {
        ...this.sizeIn(box),
        padding: [8, 8, 0, 0],
        legend: { live: true },
        cursor: { points: { size: 6 } },
        scales: { x: { time: false } },
        axes: [
          { ...axis, size: 28 },
          { ...axis, size: 52, values: (_, ticks) => ticks.map(numberText) },
        ],
        series: [
          { label: "step" },
          ...names.map((name, i) => ({
            label: HELD.exec(name)?.[1] === "val" ? "validation" : HELD.test(name) ? "test" : "training",
            stroke: colours[i] ?? colour("muted"),
            width: 2,
            spanGaps: true,
            points: { show: false },
            value: (_: uPlot, value: number | null) => (value === null ? "–" : numberText(value)),
          })),
        ],
      },
      [[], ...names.map(() => [])],
      box,
    )
    const chart = { names, plot, box }
    this.charts.set(metric, chart)
    return chart
  }

  private sizeIn(box: HTMLElement): { readonly width: number; readonly height: number } {
    return { width: Math.max(160, box.clientWidth - 24), height: 170 }
  }

  private resize(): void {
    for (const { plot, box } of this.charts.values()) plot.setSize(this.sizeIn(box))
  }
}
