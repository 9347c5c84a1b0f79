/** schedule: an operation of more tensors than a kernel may bind is made of several of the same kind, each of as many as fit.
 *  Assumes:    the trait `nests`: some neighbouring arguments may be put together first.
 *  Guarantees: the graph itself where nothing is that wide.
 *  Not here:   which of the parts get a buffer (`fuse/fuse.ts`). */
import { buildLike, finishLike, valueIn } from "../../ir/graph/build.js"
import type { Graph, Node } from "../../ir/graph/types.js"
import type { Value } from "../../ops/op.js"
import { defOf } from "../../ir/graph/graph-index.js"

/** `limit`: buffers of a kernel, one of which it writes. */
export function inParts(graph: Graph, limit: number): Graph {
  const most = limit - 1
  const isWide = (node: Node): boolean => defOf(node).traits.nests === true && node.args.length > most
  if (!graph.nodes.some(isWide)) return graph
  const { g, values } = buildLike(graph)
  for (const node of graph.nodes) {
    let args = node.args.map((a) => valueIn(values, a))
    while (isWide(node) && args.length > most) {
      const parts: Value[][] = []
      for (let n = 0; n < args.length; n += most) parts.push(args.slice(n, n + most))
      args = parts.map((part) =>
        part.length === 1 ? part[0]! : g.at(node.origin).apply(node.op, part, node.attrs),
      )
    }
    values.set(node.id, g.copy(node, args))
  }
  return finishLike(graph, g, values)
}
