/** ir/model: the values of an evaluation that are joined over all rows before anything is computed from them (`over_rows`).
 *  Guarantees: the K-th has the name `rows.K` wherever it appears: in the section, in the graphs, in the bundle.
 *  Not here:   cutting an evaluation in two there (lower/), adding up (runtime/). */
import type { ModelStmt, Section } from "./types.js"

export interface RowTotal {
  readonly name: string
  readonly reduce: "sum" | "mean"
}

export const rowTotalName = (k: number): string => `rows.${k}`

/** In the order of the section. */
export const rowTotals = ({ body }: Section): RowTotal[] =>
  statementsOf(body).map((s, k) => ({
    name: rowTotalName(k),
    reduce: s.attrs["reduce"] === "mean" ? "mean" : "sum",
  }))

type Op = ModelStmt & { readonly kind: "op" }

/** Regions have none. */
function statementsOf(body: readonly ModelStmt[]): Op[] {
  return body.flatMap((s) =>
    s.kind === "call" ? statementsOf(s.body) : s.kind === "op" && s.op === "over_rows" ? [s] : [],
  )
}
