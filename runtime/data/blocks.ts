/** runtime/data: rows of columns -> blocks of rows, as the stages of a field leave them. Blocks are small enough to stay in the cache.
 *  Not here: the computation of stages (stages/). */
import type { FieldSpec } from "../bundle/format.js"
import { product } from "../exec/size.js"
import { applyStage, ruleOf, widthAfter } from "./stages/index.js"
import type { Table } from "./table.js"

/** Some rows, one after another. */
export interface Block {
  /** Used again for the next block. */
  readonly values: Float64Array
  readonly width: number
  /** The place of one of its values: file and row, and the column while values still are those of columns. */
  readonly where: (index: number) => string
  /** The column of a place in a row, as long as values still are those of columns. */
  readonly columnAt: (place: number) => string | undefined
}

/** Values in a block, or one row. */
const BLOCK = 1 << 14

type Taken = Pick<FieldSpec, "columns" | "stages">

/** Calls back with all of the rows. `check`: is told first how many values the columns give per row. */
export function eachBlock(
  { columns: names, stages }: Taken,
  table: Table,
  rows: Uint32Array,
  check: (width: number) => void,
  visit: (block: Block) => void,
): void {
  const columns = names.map((name) => sourceOf(table, name, stages, WINDOWS / names.length))
  const width = columns.reduce((sum, column) => sum + column.width, 0)
  check(width)
  const most = Math.max(1, Math.floor(BLOCK / Math.max(1, width)))
  const buffer = new Float64Array(Math.min(most, rows.length) * width)
  for (let from = 0; from < rows.length; from += most) {
    const some = rows.subarray(from, from + most)
    let values: Float64Array = buffer.subarray(0, some.length * width)
    let offset = 0
    for (const column of columns) {
      column.gather(some, values, offset, width)
      offset += column.width
    }
    let wide = width
    for (const stage of stages) {
      values = applyStage(stage, values, wide, whereIn(some, wide))
      wide = widthAfter(stage, wide)
    }
    visit({
      values,
      width: wide,
      where: whereIn(some, wide),
      columnAt: (place) => columnAt(place, wide),
    })
  }

  function whereIn(some: Uint32Array, wide: number): (index: number) => string {
    return (index) => table.where(some[Math.floor(index / wide)]!, columnAt(index % wide, wide))
  }
  function columnAt(place: number, wide: number): string | undefined {
    if (columns.length === 1) return columns[0]!.name
    let end = 0
    return wide === width ? columns.find((column) => place < (end += column.width))?.name : undefined
  }
}

/** Values of all columns together that are held of a table that is not in memory. */
const WINDOWS = 1 << 22

interface Source {
  readonly name: string
  readonly width: number
  /** Puts the values of rows into every `step`-th place of `into`, from `offset` on. */
  gather(rows: Uint32Array, into: Float64Array, offset: number, step: number): void
}

/** The numbers of a column, or those that the first stage gives its texts. */
function sourceOf(table: Table, name: string, stages: Taken["stages"], held: number): Source {
  const [first] = stages
  const texts = first && ruleOf(first).readTexts?.(first, table, name)
  if (texts) {
    const { width, numberAt } = texts
    return {
      name,
      width,
      gather(rows, into, offset, step) {
        for (let i = 0; i < rows.length; i++)
          for (let j = 0; j < width; j++) into[i * step + offset + j] = numberAt(rows[i]!, j)
      },
    }
  }
  const column = table.column(name)
  const { shape, stride, piece, count = 0 } = column
  const width = product(shape)
  const apart = stride ?? width
  if (!piece && apart === 1) {
    const { values } = column
    // Nearly all the time for a table of many columns goes here.
    const gather = (rows: Uint32Array, into: Float64Array, offset: number, step: number): void => {
      for (let i = 0, to = offset; i < rows.length; i++, to += step) into[to] = values[rows[i]!]!
    }
    return { name, width, gather }
  }
  let window = { from: 0, to: 0, values: piece ? new Float64Array() : column.values }
  return {
    name,
    width,
    gather(rows, into, offset, step) {
      for (let i = 0; i < rows.length; i++) {
        let from = rows[i]! * apart
        if (piece) {
          if (from < window.from || from + width > window.to) {
            const to = Math.min(count, from + Math.max(width, Math.floor(held)))
            window = { from, to, values: piece(from, to) }
          }
          from -= window.from
        }
        const { values } = window
        const to = i * step + offset
        for (let j = 0; j < width; j++) into[to + j] = values[from + j]!
      }
    },
  }
}
