/** runtime/data: tables with the same columns -> one table, its rows those of one after those of the other. */
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import type { NumberArray } from "../exec/values.js"
import { TextColumn, type Column, type Table, type Texts } from "./table.js"

/** `place`: the name of all of them in messages. At least one table. */
export function joinTables(place: string, tables: readonly Table[]): Table {
  const [first, ...others] = tables as readonly [Table, ...Table[]]
  if (others.length === 0) return first
  const names = new Set(first.names)
  for (const other of others) {
    const missing = first.names.find((name) => !other.names.includes(name))
    const more = other.names.find((name) => !names.has(name))
    if (missing === undefined && more === undefined) continue
    throw new RunError(
      "data-parts-differ",
      missing === undefined
        ? `${other.place} has a column "${more}", and ${first.place} has none`
        : `${other.place} has no column "${missing}", and ${first.place} has`,
      { help: "files that are read together have the same columns" },
    )
  }
  const starts = startsOf(tables)
  const rows = starts.pop()!
  return {
    place,
    rows,
    names: first.names,
    column: (name) =>
      joinColumns(
        tables,
        tables.map((table) => table.column(name)),
      ),
    texts: (name) => joinTexts(tables.map((table) => table.texts(name))),
    where(row, column) {
      const table = starts.findLastIndex((start) => start <= row)
      return tables[table]!.where(row - starts[table]!, column)
    },
  }
}

/** The first row of each, and of one that would follow. */
function startsOf(tables: readonly Table[]): number[] {
  const starts = [0]
  for (const { rows } of tables) starts.push(starts.at(-1)! + rows)
  return starts
}

function joinColumns(tables: readonly Table[], columns: readonly Column[]): Column {
  const [{ name, shape }] = columns as readonly [Column]
  const other = columns.findIndex((column) => column.shape.join() !== shape.join())
  if (other >= 0)
    throw new RunError(
      "data-parts-differ",
      `${tables[other]!.place}: a row of "${name}" is [${columns[other]!.shape.join(", ")}], and in ${tables[0]!.place} [${shape.join(", ")}]`,
      { help: "files that are read together have the same columns" },
    )
  const arrays = columns.map(({ values }) => values)
  const out = arrayFor(arrays, tables.reduce((sum, { rows }) => sum + rows, 0) * product(shape))
  let at = 0
  for (const values of arrays) {
    out.set(values, at)
    at += values.length
  }
  return { name, shape, values: out }
}

/** An array of their type if they have one in common, else of f64. */
function arrayFor(arrays: readonly NumberArray[], count: number): NumberArray {
  const types = [Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array]
  const Type = types.find((each) => arrays.every((values) => values instanceof each)) ?? Float64Array
  return new Type(count)
}

function joinTexts(parts: readonly Texts[]): Texts {
  const out = new TextColumn()
  for (const { distinct, codes } of parts) for (const code of codes) out.add(distinct[code]!)
  return out.texts(parts[0]!.width)
}
