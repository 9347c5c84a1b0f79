/** runtime/data: what fields ask of the columns of a table. */
import { readsTexts } from "./stages/index.js"
import type { Uses } from "./table.js"

interface Reads {
  /** Names, or which ones are selected. */
  readonly columns:
    | readonly string[]
    | { readonly kind: "all" }
    | { readonly kind: "only" | "except"; readonly names: readonly string[] }
  readonly stages: readonly { readonly kind: string }[]
}

/** Texts where the first stage numbers them, else numbers; and what a split tells rows apart by. */
export function usesOf(
  fields: readonly Reads[],
  split?: { readonly stratify?: string; readonly group?: string } | null,
): Uses {
  const each = fields.map(({ columns, stages }) => {
    const [first] = stages
    const texts = first !== undefined && readsTexts(first)
    if ("kind" in columns && columns.kind === "all") return { texts, reads: () => true }
    const names = new Set("kind" in columns ? columns.names : columns)
    const except = "kind" in columns && columns.kind === "except"
    return { texts, reads: (name: string) => names.has(name) !== except }
  })
  return (name) => {
    const reading = each.filter(({ reads }) => reads(name))
    const isKey = name === split?.stratify || name === split?.group
    return {
      numbers: reading.some(({ texts }) => !texts),
      texts: isKey || reading.some(({ texts }) => texts),
    }
  }
}
