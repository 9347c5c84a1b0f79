/** runtime/data: a table -> tables of some of its rows, one after another, so that only their results are in memory at a time. */
import { product } from "../exec/size.js"
import type { Column, Table, Uses } from "./table.js"

/** Values of the columns in use that one part has, or one row. */
const VALUES = 1 << 20

export function* rowParts(table: Table, uses: Uses): Iterable<Table> {
  const width = table.names
    .filter((name) => uses(name).numbers)
    .reduce((sum, name) => sum + product(table.column(name).shape), 0)
  const most = Math.max(1, Math.floor(VALUES / Math.max(1, width)))
  for (let from = 0; from < table.rows; from += most)
    yield most >= table.rows ? table : partOf(table, from, Math.min(table.rows, from + most))
}

function partOf(table: Table, from: number, to: number): Table {
  return {
    ...table,
    rows: to - from,
    column: (name) => columnPart(table.column(name), from, to),
    texts(name) {
      const { distinct, codes, width } = table.texts(name)
      return { distinct, codes: codes.subarray(from * width, to * width), width }
    },
    where: (row, name) => table.where(from + row, name),
  }
}

function columnPart(column: Column, from: number, to: number): Column {
  const width = product(column.shape)
  const apart = column.stride ?? width
  const [begin, end] = [from * apart, (to - 1) * apart + width]
  const { piece } = column
  if (!piece) return { ...column, values: column.values.subarray(begin, end) }
  return {
    name: column.name,
    shape: column.shape,
    ...(column.stride !== undefined && { stride: column.stride }),
    count: end - begin,
    piece: (a, b) => piece(begin + a, begin + b),
    get values() {
      return piece(begin, end)
    },
  }
}
