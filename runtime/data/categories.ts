/** runtime/data: columns of names <-> numbers. The number of a category is its place among the different values of the training
 *  rows, in order: as numbers if all of them are, else as texts. */
import type { FittedStage } from "../bundle/format.js"
import { RunError } from "../error.js"
import { nearest } from "../suggest.js"
import type { Table } from "./table.js"

export function fitCategories(
  table: Table,
  rows: Uint32Array,
  columns: readonly string[],
  count: number,
): FittedStage {
  const seen = new Set<string>()
  for (const name of columns) {
    const texts = table.texts(name)
    const width = texts.length / table.rows
    for (const row of rows)
      for (const text of texts.slice(row * width, (row + 1) * width)) {
        if (text === "") empty(table, name, row)
        seen.add(text)
      }
  }
  if (seen.size > count)
    throw new RunError(
      "data-category",
      `${table.place}: column "${columns[0]}" holds ${seen.size} different values in its training rows, and categories(${count}) numbers ${count}`,
      { help: `write categories(${seen.size}), and ${seen.size} where the model counts them` },
    )
  return { kind: "categories", count, names: inOrder([...seen]) }
}

/** The number of the value at a place of a column. Throws a RunError at what is no category. */
export function categoryNumbers(
  table: Table,
  name: string,
  names: readonly string[],
): { readonly width: number; at(place: number): number } {
  const numbers = new Map(names.map((text, number) => [text, number]))
  const texts = table.texts(name)
  const width = texts.length / table.rows
  return {
    width,
    at(place) {
      const text = texts[place]!
      const number = numbers.get(text)
      if (number !== undefined) return number
      const row = Math.floor(place / width)
      if (text === "") empty(table, name, row)
      const help = nearest(text, names)
      throw new RunError(
        "data-category",
        `${table.place}: ${table.rowLabel(row)}, column "${name}": ${JSON.stringify(text.slice(0, 40))} is none of the ${names.length} categories of the training rows`,
        help === undefined ? {} : { help },
      )
    },
  }
}

function empty(table: Table, name: string, row: number): never {
  throw new RunError("data-category", `${table.place}: ${table.rowLabel(row)}, column "${name}" is empty`, {
    help: "drop the row, or fill the cell",
  })
}

function inOrder(names: readonly string[]): readonly string[] {
  return names.every((name) => Number.isFinite(Number(name)))
    ? names.toSorted((a, b) => Number(a) - Number(b))
    : names.toSorted()
}
