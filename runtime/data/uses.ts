/** runtime/data: what fields ask of the columns of a table. */
import type { DataSpec } from "../bundle/format.js"
import { readsTexts, takesMissing } from "./stages/index.js"
import type { Uses } from "./table.js"

interface Reads {
  /** Names, or which ones are selected. */
  readonly columns:
    | readonly string[]
    | { readonly kind: "all" }
    | { readonly kind: "only" | "except"; readonly names: readonly string[] }
  readonly stages: readonly { readonly kind: string }[]
}

/** Texts where the first stage numbers them, else numbers; and what a split or windows tell rows apart by. */
export function usesOf(
  fields: readonly Reads[],
  { split, windows }: Pick<Partial<DataSpec>, "split" | "windows"> = {},
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
  const keys = [split?.stratify, split?.group, windows?.order, windows?.group]
  return (name) => {
    const reading = each.filter(({ reads }) => reads(name))
    return {
      numbers: reading.some(({ texts }) => !texts),
      texts: keys.includes(name) || reading.some(({ texts }) => texts),
      ...(reading.some(({ missing }) => missing) && { missing: true }),
    }
  }
}
