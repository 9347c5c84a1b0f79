/** optimize/dce: drops nodes that no output and no update needs, also within the regions of scans, and results of scans that
 *  nobody takes.   Graph -> Graph
 *  Guarantees: the rest in the same order, renumbered. Inputs and slots stay: they are the graph's signature. */
import { buildLike, finishLike, valueIn, withRegions } from "../ir/graph/build.js"
import { isScan, isScanResult } from "../ir/graph/scan.js"
import type { Graph, ValueId } from "../ir/graph/types.js"
import { intAttr } from "../ops/attrs.js"
import type { Pass } from "../pass.js"
import { trimScan, type Trimmed } from "./trim-scan.js"

export const dce: Pass<Graph, Graph> = {
  name: "dce",
  summary: "drop nodes that nothing needs",
  run(graph, cx) {
    const { needed, scans } = neededValues(graph)
    const { g, values } = buildLike(graph)
    for (const node of graph.nodes) {
      if (!needed.has(node.id)) continue
      const left = scans.get(node.id)?.node ?? node
      const args = left.args.map((a) => valueIn(values, a))
      const inner = withRegions(left, (r) => dce.run(r, cx))
      const loop = isScanResult(node) ? scans.get(node.args[0]!) : undefined
      const index = loop?.results.get(intAttr(node.attrs, "index"))
      values.set(
        node.id,
        g.copy(index === undefined ? inner : { ...inner, attrs: { ...inner.attrs, index } }, args),
      )
    }
    return finishLike(graph, g, values)
  },
}

/** The values that are needed, and the trimmed form of each scan. */
function neededValues(graph: Graph): { needed: ReadonlySet<ValueId>; scans: ReadonlyMap<ValueId, Trimmed> } {
  const needed = new Set([...graph.outputs, ...graph.updates].map((o) => o.value))
  const taken = new Map<ValueId, Set<number>>()
  const scans = new Map<ValueId, Trimmed>()
  for (const node of graph.nodes.toReversed()) {
    if (!needed.has(node.id)) continue
    if (isScanResult(node)) {
      const loop = node.args[0]!
      taken.set(loop, (taken.get(loop) ?? new Set()).add(intAttr(node.attrs, "index")))
    }
    const trimmed = isScan(node) ? trimScan(node, taken.get(node.id) ?? new Set()) : undefined
    if (trimmed !== undefined) scans.set(node.id, trimmed)
    for (const a of (trimmed?.node ?? node).args) needed.add(a)
  }
  return { needed, scans }
}
