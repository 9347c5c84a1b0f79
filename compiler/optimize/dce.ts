/** optimize/dce: drops nodes that no output and no update needs.   Graph -> Graph
 *  Guarantees: the rest in the same order, renumbered. Inputs and slots stay: they are the graph's signature. */
import { buildLike, finishLike, valueIn } from "../ir/graph/build.js"
import type { Graph, ValueId } from "../ir/graph/types.js"
import type { Pass } from "../pass.js"

export const dce: Pass<Graph, Graph> = {
  name: "dce",
  summary: "drop nodes that nothing needs",
  run(graph) {
    const needed = neededValues(graph)
    const { g, values } = buildLike(graph)
    for (const node of graph.nodes) {
      if (!needed.has(node.id)) continue
      const args = node.args.map((a) => valueIn(values, a))
      values.set(node.id, g.copy(node, args))
    }
    return finishLike(graph, g, values)
  },
}

function neededValues(graph: Graph): ReadonlySet<ValueId> {
  const needed = new Set([...graph.outputs, ...graph.updates].map((o) => o.value))
  for (const node of graph.nodes.toReversed())
    if (needed.has(node.id)) node.args.forEach((a) => needed.add(a))
  return needed
}
