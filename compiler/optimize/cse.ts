/** optimize/cse: equal operations on equal arguments are computed once.   Graph -> Graph
 *  Guarantees: no two nodes with the same operation, arguments (in any order where that makes no difference) and attributes.
 *              The first one stays, with its origin.
 *  Not here:   operations with regions, which are left alone. */
import { buildLike, finishLike, valueIn, withRegions } from "../ir/graph/build.js"
import { printAttrs } from "../ir/graph/text.js"
import type { Graph, Node } from "../ir/graph/types.js"
import { opDef } from "../ops/index.js"
import type { Value } from "../ops/op.js"
import type { Pass } from "../pass.js"

export const cse: Pass<Graph, Graph> = {
  name: "cse",
  summary: "compute equal nodes once",
  run(graph, cx) {
    const { g, values } = buildLike(graph)
    const seen = new Map<string, Value>()
    for (const node of graph.nodes) {
      const args = node.args.map((a) => valueIn(values, a))
      const key = keyOf(node, args)
      const value =
        (key === undefined ? undefined : seen.get(key)) ??
        g.copy(
          withRegions(node, (r) => cse.run(r, cx)),
          args,
        )
      if (key !== undefined) seen.set(key, value)
      values.set(node.id, value)
    }
    return finishLike(graph, g, values)
  },
}

/** Equal for nodes of equal value; undefined for nodes that are never shared. */
function keyOf(node: Node, args: readonly Value[]): string | undefined {
  const { traits } = opDef(node.op)
  if (traits.barrier || node.regions !== undefined) return undefined
  const ids = args.map((a) => a.id)
  if (traits.commutative) ids.sort((a, b) => a - b)
  return `${node.op} ${ids.join(",")} ${printAttrs(node.attrs)}`
}
