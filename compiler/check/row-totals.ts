/** check: what an evaluation computes from all rows at once (`over_rows`): it must need nothing of a single batch beside.
 *  Assumes:    the section is the one with `training` false; regions have no `over_rows` (call-op.ts).
 *  Guarantees: behind an `over_rows` there is no other; a report that needs one reads no rows past it. */
import type { ModelStmt, ModelValue, Section } from "../ir/model/types.js"
import type { Span } from "../source/source.js"
import type { Env } from "./env.js"
import { complain } from "./report.js"

/** `spans`: of the reports and losses, by the names of the results. */
export function checkRowTotals(env: Env, section: Section, spans: ReadonlyMap<string, Span>): void {
  const operations = operationsIn(section.body)
  const totals = [...operations.values()].filter((s) => s.op === "over_rows")
  if (totals.length === 0) return
  const rows = new Set(section.inputs.filter((i) => i.source.kind === "data").map((i) => i.id))
  const behind = (from: readonly ModelValue[]): Reach => reach(from, operations, rows)
  for (const total of totals) {
    const span = env.section.places.get(total.id)
    if (span && behind(total.args).totals)
      complain(env, {
        code: "rows-nested",
        message: "a value of all rows is needed to compute another one",
        span,
        label: "what it joins was itself joined over all rows",
        help: "an evaluation goes over the rows once: write it with sums, as the variance with the sum of squares",
      })
  }
  for (const { name, value } of section.results) {
    const found = behind([value])
    const span = spans.get(name)
    if (span && found.totals && found.rows)
      complain(env, {
        code: "rows-mixed",
        message: `\`${name}\` is computed from all rows and from the rows of one batch`,
        span,
        label: "a part of this belongs to one batch, and a part to all rows",
        help: "join them over all rows too: `sum_over_rows(...)`, `mean_over_rows(...)`",
      })
  }
}

interface Reach {
  /** Whether an `over_rows`, and whether a batch is met, not going past the former. */
  readonly totals: boolean
  readonly rows: boolean
}
type Op = ModelStmt & { readonly kind: "op" }

function reach(
  from: readonly ModelValue[],
  operations: ReadonlyMap<ModelValue, Op>,
  rows: ReadonlySet<ModelValue>,
): Reach {
  const seen = new Set<ModelValue>()
  const stack = [...from]
  let [foundTotals, foundRows] = [false, false]
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    if (seen.has(id)) continue
    seen.add(id)
    foundRows ||= rows.has(id)
    const s = operations.get(id)
    if (!s) continue
    if (s.op === "over_rows") foundTotals = true
    else {
      // `size` counts the rows of the batch without reading any.
      foundRows ||= Object.values(s.attrs).some(isSymbolic)
      stack.push(...s.args, ...(s.regions ?? []).flatMap((r) => r.results))
    }
  }
  return { totals: foundTotals, rows: foundRows }
}

const isSymbolic = (attr: Op["attrs"][string]): boolean =>
  typeof attr === "object" && attr !== null && "terms" in attr

/** By the value they give; bodies of calls and regions opened. */
function operationsIn(body: readonly ModelStmt[], into = new Map<ModelValue, Op>()): Map<ModelValue, Op> {
  for (const s of body) {
    if (s.kind === "call") operationsIn(s.body, into)
    if (s.kind !== "op") continue
    into.set(s.id, s)
    for (const region of s.regions ?? []) operationsIn(region.body, into)
  }
  return into
}
