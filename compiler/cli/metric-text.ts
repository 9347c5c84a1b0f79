/** cli: metrics -> what a person reads: a line for a number, an aligned grid with numbered rows and columns for a table. */
import type { Metric } from "../../runtime/node.js"

export function metricText(name: string, metric: Metric): string {
  if (typeof metric === "number") return `${name} ${numberText(metric)}`
  if (metric.every((item) => typeof item === "number"))
    return `${name} ${metric.map((item) => numberText(item)).join(" ")}`
  const rows = metric.map((row) => (typeof row === "number" ? [row] : row))
  if (!rows.every((row) => row.every((item) => typeof item === "number")))
    return `${name} ${JSON.stringify(metric)}`
  const grid = [
    ["", ...(rows[0] ?? []).map((_, column) => String(column))],
    ...rows.map((row, i) => [String(i), ...row.map((item) => numberText(Number(item)))]),
  ]
  const widths = grid[0]!.map((_, column) => Math.max(...grid.map((row) => row[column]!.length)))
  const lines = grid.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join("  "))
  return [name, ...lines].join("\n  ")
}

const numberText = (value: number): string => String(Number(value.toPrecision(6)))
