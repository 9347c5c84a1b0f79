/** cli: metrics -> text for a person: a line for a number, an aligned grid for a table, whose rows and columns are classes or numbered. */
import { fieldsRead } from "../../runtime/bundle/format.js"
import { classNames, type ClassName, type Manifest, type Metric } from "../../runtime/node.js"

/** The names of the places along the axes of a table. */
export type AxisNames = (size: number) => readonly ClassName[]
const numbered: AxisNames = (size) => Array.from({ length: size }, (_, i) => i)

/** The names of the axes of a train section's metrics, with or without the `test_` of those over held-back rows. */
export function axisNames(
  { trains, data }: Pick<Manifest, "trains" | "data">,
  section: string | undefined,
): (metric: string) => AxisNames | undefined {
  const train = trains.find(({ name }) => name === section) ?? (trains.length === 1 ? trains[0] : undefined)
  const fields = train && fieldsRead(data, train)
  return (metric) => {
    const report = train?.classReports?.find(
      (each) => each.report === metric || metric.endsWith(`_${each.report}`),
    )
    const field = fields?.find(({ name }) => name === report?.field)
    return field && ((size) => classNames(field, size))
  }
}

export function metricText(name: string, metric: Metric, names?: AxisNames): string {
  if (typeof metric === "number") return `${name} ${numberText(metric)}`
  if (metric.every((item) => typeof item === "number")) {
    const numbers = metric.map((item) => numberText(item))
    return names ? aligned(name, [names(metric.length).map(String), numbers]) : `${name} ${numbers.join(" ")}`
  }
  const rows = metric.map((row) => (typeof row === "number" ? [row] : row))
  if (!rows.every((row) => row.every((item) => typeof item === "number")))
    return `${name} ${JSON.stringify(metric)}`
  const called = names ?? numbered
  const rowNames = called(rows.length)
  return aligned(name, [
    ["", ...called(rows[0]?.length ?? 0).map(String)],
    ...rows.map((row, i) => [String(rowNames[i]), ...row.map((item) => numberText(Number(item)))]),
  ])
}

function aligned(name: string, grid: readonly (readonly string[])[]): string {
  const widths = grid[0]!.map((_, column) => Math.max(...grid.map((row) => row[column]!.length)))
  const lines = grid.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join("  "))
  return [name, ...lines].join("\n  ")
}

const numberText = (value: number): string => String(Number(value.toPrecision(6)))
