/** runtime/data: rows as objects, whose keys are the columns -> Table. A value is a number, true or false, a text (for
 *  `categories`), or lists of numbers of one shape. */
import { RunError } from "../error.js"
import { missingColumn, type Column, type Table } from "./table.js"

export type Row = Readonly<Record<string, unknown>>

/** `rowLabel` says where a row stands, for messages; the first row is 0. */
export function tableOfRecords(
  place: string,
  names: readonly string[],
  rows: readonly Row[],
  rowLabel = (row: number): string => `row ${row + 1}`,
): Table {
  const valuesOf = (name: string): readonly unknown[] => {
    if (!names.includes(name)) missingColumn(place, name, names)
    return rows.map((values, row) => {
      if (values[name] !== undefined) return values[name]
      throw new RunError("data-ragged", `${place}: ${rowLabel(row)} has no "${name}"`, {
        help: `every row has ${names.map((each) => `"${each}"`).join(", ")}`,
      })
    })
  }
  const known = new Map<string, Column>()
  return {
    place,
    rows: rows.length,
    names,
    rowLabel,
    column(name) {
      const column = known.get(name) ?? columnOf(place, name, valuesOf(name), rowLabel)
      known.set(name, column)
      return column
    },
    texts: (name) =>
      valuesOf(name).flatMap((value) =>
        leaves(value).map((leaf) => (typeof leaf === "string" ? leaf.trim() : String(leaf))),
      ),
  }
}

function columnOf(
  place: string,
  name: string,
  values: readonly unknown[],
  rowLabel: (row: number) => string,
): Column {
  const shape = shapeOf(values[0])
  const out: number[] = []
  values.forEach((value, row) => {
    const there = shapeOf(value)
    if (there.join() !== shape.join())
      throw new RunError(
        "data-ragged",
        `${place}: ${rowLabel(row)}, "${name}" is [${there.join(", ")}], and in the first row [${shape.join(", ")}]`,
        { help: "the values of a column have one shape" },
      )
    for (const leaf of leaves(value)) {
      const number = typeof leaf === "boolean" ? Number(leaf) : leaf
      if (typeof number !== "number" || !Number.isFinite(number))
        throw new RunError(
          "data-not-a-number",
          `${place}: ${rowLabel(row)}, "${name}" holds ${JSON.stringify(leaf).slice(0, 40)}, which is not a number`,
          {
            help:
              typeof leaf === "string"
                ? "number the different texts of the column: `|> categories(n)`"
                : "drop the row, or replace the value",
          },
        )
      out.push(number)
    }
  })
  return { name, shape, values: Float64Array.from(out) }
}

const shapeOf = (value: unknown): number[] => (isList(value) ? [value.length, ...shapeOf(value[0])] : [])

const leaves = (value: unknown): unknown[] => (isList(value) ? Array.from(value).flatMap(leaves) : [value])

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || ArrayBuffer.isView(value)
