/** lower: an evaluation, cut in two at its `over_rows`: what every batch gives, and what is computed once from all of it.
 *  Assumes:    nothing behind one `over_rows` needs another, and nothing after them needs a batch (check/ said so).
 *  Guarantees: the first graph gives the arguments as outputs `rows.K`; the second is fed them, joined over all batches. */
import { renumbered } from "../ir/graph/build.js"
import type { Graph, Input, ValueId } from "../ir/graph/types.js"
import { rowTotalName } from "../ir/model/row-totals.js"
import { bug } from "../source/bug.js"
import { prune } from "./prune.js"

/** The graph itself when it has no such node. `name`: of the second graph. */
export function cutAtRowTotals(graph: Graph, name: string): readonly Graph[] {
  const totals = graph.nodes.filter((n) => n.op === "over_rows")
  const after = new Set<ValueId>()
  for (const n of graph.nodes) if (n.op === "over_rows" || n.args.some((a) => after.has(a))) after.add(n.id)
  const isLate = (value: ValueId): boolean => after.has(value)
  if (!graph.outputs.some((o) => isLate(o.value))) return [prune(graph)]
  const late = prune({
    ...graph,
    name,
    inputs: [
      ...graph.inputs,
      ...totals.map(({ id, type, origin }, k): Input => ({
        id,
        name: rowTotalName(k),
        type,
        source: { kind: "feed" },
        origin,
      })),
    ],
    nodes: graph.nodes.filter((n) => n.op !== "over_rows"),
    outputs: graph.outputs.filter((o) => isLate(o.value)),
  })
  const needed = new Set(late.inputs.map((i) => i.name))
  const early = prune({
    ...graph,
    outputs: [
      ...graph.outputs.filter((o) => !isLate(o.value)),
      ...totals.flatMap((n, k) =>
        needed.has(rowTotalName(k))
          ? [{ name: rowTotalName(k), value: n.args[0] ?? bug("over_rows has no argument") }]
          : [],
      ),
    ],
  })
  return [early, renumbered(late)]
}
