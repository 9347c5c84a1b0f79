/** runtime/data: the uses of a table's columns by fields. */
import type { DataSpec, DrawSpec } from "../bundle/format.js"
import { readsTexts, takesMissing } from "./stages/index.js"
import type { Uses } from "./table.js"
import { cellsOf } from "./where.js"

interface Reads {
  /** Names, or which ones are selected. */
  readonly columns:
    | readonly string[]
    | { readonly kind: "all" }
    | { readonly kind: "only" | "except"; readonly names: readonly string[] }
  readonly stages: readonly { readonly kind: string }[]
}

/** Texts where the first stage numbers them, else numbers; and the columns of splits, windows and conditions. */
export function usesOf(
  fields: readonly Reads[],
  { split, windows, where }: Pick<Partial<DataSpec>, "split" | "windows" | "where"> = {},
  draws: readonly DrawSpec[] = [],
): Uses {
  const each = fields.map(({ columns, stages }) => {
    const [first] = stages
    const texts = first !== undefined && readsTexts(first)
    const missing = stages.some(takesMissing)
    if ("kind" in columns && columns.kind === "all") return { texts, missing, reads: () => true }
    const names = new Set("kind" in columns ? columns.names : columns)
    const except = "kind" in columns && columns.kind === "except"
    return { texts, missing, reads: (name: string) => names.has(name) !== except }
  })
  const columnsOf = (by: DrawSpec["by"]): string[] =>
    draws.filter((draw) => draw.by === by).map(({ column }) => column)
  const keys = [split?.stratify, split?.group, windows?.order, windows?.group, ...columnsOf("balanced")]
  const weights = columnsOf("weight")
  const asked = where ? cellsOf(where) : []
  return (name) => {
    const cells = asked.filter(({ column }) => column === name)
    const ofNumbers = cells.some(({ value }) => typeof value === "number")
    const reading = each.filter(({ reads }) => reads(name))
    return {
      numbers: ofNumbers || weights.includes(name) || reading.some(({ texts }) => !texts),
      texts:
        keys.includes(name) ||
        reading.some(({ texts }) => texts) ||
        cells.some(({ value }) => typeof value !== "number"),
      // An empty cell of a row that takes no part does no harm.
      ...((cells.length > 0 || reading.some(({ missing }) => missing)) && { missing: true }),
    }
  }
}
