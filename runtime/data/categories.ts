/** runtime/data: columns of names <-> numbers. The number of a category is its place among the different values of the training
 *  rows, in order: as numbers if all of them are, else as texts. */
import type { FittedStage } from "../bundle/format.js"
import { RunError } from "../error.js"
import { nearest } from "../suggest.js"
import { isMissing, numberOf } from "./numbers.js"
import type { Table } from "./table.js"

export function fitCategories(
  table: Table,
  rows: Uint32Array,
  columns: readonly string[],
  { count, unknown = false }: { readonly count: number; readonly unknown?: boolean },
): FittedStage {
  const seen = new Set<string>()
  for (const name of columns) {
    const { distinct, codes, width } = table.texts(name)
    const found = new Uint8Array(distinct.length)
    for (const row of rows)
      for (let at = row * width; at < (row + 1) * width; at++) {
        const code = codes[at]!
        if (found[code] === 1) continue
        found[code] = 1
        if (unknown && isMissing(distinct[code]!)) continue
        if (distinct[code] === "") empty(table, name, row)
        seen.add(distinct[code]!)
      }
  }
  const numbers = seen.size + (unknown ? 1 : 0)
  if (numbers > count) {
    const written = unknown ? `categories(${numbers}, unknown: true)` : `categories(${numbers})`
    throw new RunError(
      "data-category",
      `${table.place}: column "${columns[0]}" holds ${seen.size} different values in its training rows${unknown ? ", and number 0 is for others" : ""}, and categories(${count}) numbers ${count}`,
      { help: `write ${written}, and ${numbers} where the model counts them` },
    )
  }
  const names = inOrder([...seen])
  return unknown
    ? { kind: "categories", count, names: [UNKNOWN, ...names], unknown }
    : { kind: "categories", count, names }
}

/** The name of number 0. */
const UNKNOWN = "(unknown)"

/** The number of each value of a column. Throws a RunError at a value that is no category. */
export function categoryNumbers(
  table: Table,
  name: string,
  { names, unknown = false }: { readonly names: readonly string[]; readonly unknown?: boolean },
): { readonly width: number; numberAt(row: number, place: number): number } {
  const numbers = new Map(names.map((text, number) => [text, number]))
  const { distinct, codes, width } = table.texts(name)
  const numberOfCode = Int32Array.from(distinct, (text) => numbers.get(text) ?? (unknown ? 0 : -1))
  return {
    width,
    numberAt(row, place) {
      const code = codes[row * width + place]!
      const number = numberOfCode[code]!
      if (number >= 0) return number
      const text = distinct[code]!
      if (text === "") empty(table, name, row)
      const help = nearest(text, names)
      throw new RunError(
        "data-category",
        `${table.where(row, name)}: ${JSON.stringify(text.slice(0, 40))} is none of the ${names.length} categories of the training rows`,
        help === undefined ? {} : { help },
      )
    },
  }
}

function empty(table: Table, name: string, row: number): never {
  throw new RunError("data-category", `${table.where(row, name)} is empty`, {
    help: "drop the row, or number it with those that are not known: `categories(n, unknown: true)`",
  })
}

function inOrder(names: readonly string[]): readonly string[] {
  return names.every((name) => numberOf(name) !== undefined)
    ? names.toSorted((a, b) => Number(a) - Number(b))
    : names.toSorted()
}
