/** runtime/data: a table whose rows follow one another in time -> a table of windows, each row of which is a range of rows of the first.
 *  Guarantees: a window has as many rows as the widest field needs, consecutive in the column of `order` (in the file, without one), and
 *              all of one group. Nothing is copied.
 *  Not here:   which windows are for training (split.ts). */
import type { FieldSpec, WindowsSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import { momentOf } from "./date-format.js"
import { numberOf } from "./numbers.js"
import { keysOf } from "./split-classes.js"
import { allRows } from "./split.js"
import type { Table } from "./table.js"

export interface Windows {
  readonly base: Table
  /** Rows of the base in the order of groups and, within one, of time. */
  readonly places: Uint32Array
  /** The place where each window begins. */
  readonly starts: Uint32Array
}

/** `rows`: those that take part. */
export function windowed(
  table: Table,
  spec: WindowsSpec,
  rows = allRows(table.rows),
): Table & { readonly windows: Windows } {
  const { length, stride, order, group } = spec
  const groups = group === undefined ? undefined : keysOf(table, group).codes
  const time = order === undefined ? undefined : timesOf(table, order)
  const groupOf = (row: number): number => groups?.[row] ?? 0
  const timeOf = (row: number): number => time?.[row] ?? row
  const places = rows.slice().sort((a, b) => groupOf(a) - groupOf(b) || timeOf(a) - timeOf(b) || a - b)
  const starts: number[] = []
  let longest = 0
  for (let from = 0, to = 0; from < places.length; from = to) {
    while (to < places.length && groupOf(places[to]!) === groupOf(places[from]!)) to++
    if (time) refuseTwice(table, spec, places.subarray(from, to), timeOf)
    longest = Math.max(longest, to - from)
    for (let at = from; at + length <= to; at += stride) starts.push(at)
  }
  if (starts.length === 0)
    throw new RunError(
      "data-empty",
      `${table.place}: a window takes ${length} rows${group === undefined ? "" : ` of one "${group}"`}, and there are at most ${longest}`,
      { help: "use shorter windows, or longer series" },
    )
  // Without a column of time, a row of a group is as late as there are rows of it before.
  const first = new Map<number, number>()
  places.forEach((row, place) => void (first.has(groupOf(row)) || first.set(groupOf(row), place)))
  const when = (place: number): number => {
    const row = places[place]!
    return time ? timeOf(row) : place - first.get(groupOf(row))!
  }
  return {
    place: table.place,
    rows: starts.length,
    names: table.names,
    column: (name) => table.column(name),
    texts: (name) => table.texts(name),
    where: (row, column) => table.where(places[starts[row]!]!, column),
    windows: { base: table, places, starts: Uint32Array.from(starts) },
    span: (row) => [when(starts[row]!), when(starts[row]! + length - 1)],
  }
}

function refuseTwice(
  table: Table,
  { order = "", group }: WindowsSpec,
  rows: Uint32Array,
  timeOf: (row: number) => number,
): void {
  for (let i = 1; i < rows.length; i++) {
    const [before, row] = [rows[i - 1]!, rows[i]!]
    if (timeOf(before) !== timeOf(row)) continue
    throw new RunError(
      "data-order",
      `${table.where(row, order)} is the same as in row ${before + 1}${group === undefined ? "" : `, of the same "${group}"`}`,
      {
        help:
          group === undefined
            ? 'if there are several series in the file, name the column that tells them apart: `group: "..."`'
            : "rows of one series are at different times",
      },
    )
  }
}

/** Numbers that order the rows: the values of the column, or the moments of its dates. */
function timesOf(table: Table, column: string): Float64Array {
  const { distinct, codes } = keysOf(table, column)
  const refuse = (code: number, help: string): never => {
    const at = codes.indexOf(code)
    throw new RunError(
      "data-order",
      `${table.where(at, column)} is ${JSON.stringify(distinct[code]!.slice(0, 40))}, and rows are ordered by it`,
      { help },
    )
  }
  const numbers = distinct.map((text) => numberOf(text))
  if (numbers.every((number) => number !== undefined))
    return Float64Array.from(codes, (code) => numbers[code]!)
  const moments = distinct.map(momentOf)
  const wrong = moments.findIndex((moment) => moment === undefined)
  const other = numbers.findIndex((number, i) => number === undefined && moments[i] === undefined)
  if (wrong >= 0)
    refuse(
      other >= 0 ? other : wrong,
      "rows are ordered by numbers, or by dates written as 2026-01-31 or 2026-01-31T10:00Z",
    )
  const unlike = moments.findIndex((moment) => moment?.zoned !== moments[0]?.zoned)
  if (unlike >= 0)
    refuse(
      unlike,
      `other times of the column ${moments[0]?.zoned ? "say" : "do not say"} their offset from UTC: write all alike`,
    )
  return Float64Array.from(codes, (code) => moments[code]!.at)
}

/** Rows of the base that windows begin with, `length` of each, one window after another. */
export function rowsOfWindows(
  { places, starts }: Windows,
  windows: Uint32Array,
  length: number,
  from = 0,
): Uint32Array {
  const rows = new Uint32Array(windows.length * length)
  windows.forEach((window, i) => {
    const at = starts[window]! + from
    rows.set(places.subarray(at, at + length), i * length)
  })
  return rows
}

/** Windows of so many rows each, that stand one after another in a table. */
export const consecutive = (base: Table, length: number): Windows => ({
  base,
  places: allRows(base.rows),
  starts: Uint32Array.from({ length: base.rows / length }, (_, i) => i * length),
})

/** The rows that a field of these rows is made of: of windows, those of the base that it takes. */
export function stepsOf(
  { name, window }: Pick<FieldSpec, "name" | "window">,
  table: Table,
  rows: Uint32Array,
): { readonly table: Table; readonly rows: Uint32Array } {
  if (!window) return { table, rows }
  if (!table.windows) throw new Error(`the field "${name}" takes windows, and the table has none`)
  const { from, to } = window
  return { table: table.windows.base, rows: rowsOfWindows(table.windows, rows, to - from, from) }
}

/** A field that takes windows, of one row of them. */
export function ofOneStep(field: FieldSpec): FieldSpec {
  const { window, ...rest } = field
  return window ? { ...rest, shape: [product(field.shape) / (window.to - window.from)] } : field
}

/** The same rows, each once. */
export const distinctSteps = (rows: Uint32Array): Uint32Array => Uint32Array.from(new Set(rows)).sort()
