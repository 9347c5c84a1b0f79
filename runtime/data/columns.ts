/** runtime/data: arrays by column, values row after row -> Table. The number of rows follows from the size of a row of each field.
 *  Not here: rows as objects (records.ts). */
import type { FieldSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import type { NumberArray, Numbers } from "../exec/values.js"
import { widthAfter } from "./stages/index.js"
import { tableOf, TextColumn, type Column, type Table, type Texts } from "./table.js"
import { ofOneStep } from "./windows.js"

/** By column. Texts are for columns of names. */
export type ColumnArrays = Readonly<Record<string, Numbers | readonly (string | number | null)[]>>

/** `names`: of all columns that are needed; others are not looked at. */
export function tableOfColumns(
  place: string,
  names: readonly string[],
  fields: readonly FieldSpec[],
  given: ColumnArrays,
): Table {
  const arrays = new Map(names.map((name) => [name, arrayOf(place, name, names, given)]))
  const lengths = new Map([...arrays].map(([name, { length }]) => [name, length]))
  const rows = rowsIn(place, fields, lengths)
  const widthOf = (name: string): number => lengths.get(name)! / rows
  const columns = [...arrays].map(([name, array]): Column => ({
    name,
    shape: widthOf(name) === 1 ? [] : [widthOf(name)],
    values: numbersOf(array),
  }))
  return {
    ...tableOf(place, columns),
    texts: (name): Texts => {
      const texts = new TextColumn()
      for (const value of Array.from<unknown>(arrays.get(name)!)) texts.add(String(value ?? "").trim())
      return texts.texts(widthOf(name))
    },
  }
}

function arrayOf(
  place: string,
  name: string,
  names: readonly string[],
  given: ColumnArrays,
): ColumnArrays[string] {
  const array: unknown = Object.hasOwn(given, name) ? given[name] : undefined
  if (Array.isArray(array) || (ArrayBuffer.isView(array) && !(array instanceof DataView)))
    return array as ColumnArrays[string]
  const help = `the columns are ${names.map((each) => `"${each}"`).join(", ")}: an array of values for each, row after row`
  if (array === undefined)
    throw new RunError("data-missing-column", `${place} has no column "${name}"`, { help })
  throw new RunError("data-format", `${place}: column "${name}" is not an array`, { help })
}

/** Texts and missing values become NaN, as a stage that takes them expects. */
function numbersOf(array: ColumnArrays[string]): NumberArray {
  if (ArrayBuffer.isView(array)) return array
  return Float64Array.from<unknown>(array, (value) => (typeof value === "number" ? value : NaN))
}

/** The one number of rows with which every field gets as many values as it takes. */
function rowsIn(place: string, fields: readonly FieldSpec[], lengths: ReadonlyMap<string, number>): number {
  const common = [...lengths.values()].reduce(greatestDivisor, 0)
  if (common === 0) return 1
  const single = fields.map(ofOneStep)
  const fitting = divisorsOf(common).filter((rows) =>
    single.every(({ columns, stages, shape }) => {
      const gathered = columns.reduce((sum, name) => sum + lengths.get(name)! / rows, 0)
      return stages.reduce((width, stage) => widthAfter(stage, width), gathered) === product(shape)
    }),
  )
  if (fitting.length === 1) return fitting[0]!
  const found = [...lengths].map(([name, length]) => `"${name}" has ${length}`).join(", ")
  const takes = fields.map(({ name, shape }) => `${name} [${shape.join(", ")}]`).join(", ")
  throw new RunError(
    "data-shape",
    fitting.length === 0
      ? `${place}: no number of rows has so many values: ${found}; a row of the fields is ${takes}`
      : `${place}: there may be ${fitting.join(" or ")} rows of so many values: ${found}`,
    { help: fitting.length === 0 ? "give as many values as all rows have" : "give the rows as objects" },
  )
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

function divisorsOf(number: number): readonly number[] {
  const found: number[] = []
  for (let each = 1; each * each <= number; each++)
    if (number % each === 0) found.push(...new Set([each, number / each]))
  return found.sort((a, b) => a - b)
}
