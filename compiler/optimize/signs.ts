/** optimize/signs: uses the output of a ReLU instead of its input as the gradient's mask.   Graph -> Graph
 *  Where y = where(x > 0, x, z), z being 0 or a positive multiple of x, y > 0 == x > 0; where y = where(x <= 0, z, x), as relu is
 *  written, y <= 0 == x <= 0. The gradient compares long after the forward part, for whose next layer y is kept anyway: x need not be
 *  kept beside it.
 *  Assumes:    equal comparisons are one node (cse).
 *  Guarantees: values are the same; of NaN both comparisons are false on either side. */
import { buildLike, finishLike, valueIn, withRegions } from "../ir/graph/build.js"
import type { GraphBuild } from "../ir/graph/build.js"
import type { Graph, Node, ValueId } from "../ir/graph/types.js"
import type { Value } from "../ops/op.js"
import type { Pass } from "../pass.js"
import { constantValue } from "./fold-constants.js"

export const signs: Pass<Graph, Graph> = {
  name: "signs",
  summary: "ask the sign of what is kept",
  run(graph, cx) {
    const { g, values } = buildLike(graph)
    /** The same truth about another value, for readers that come later. */
    const instead = new Map<ValueId, (node: Node) => Value>()
    for (const node of graph.nodes) {
      const args = node.args.map((a) => instead.get(a)?.(node) ?? valueIn(values, a))
      const value = g.copy(
        withRegions(node, (r) => signs.run(r, cx)),
        args,
      )
      values.set(node.id, value)
      const comparison = rectified(g, value)
      if (comparison !== undefined && !instead.has(node.args[0]!)) {
        let made: Value | undefined
        const zero = g.value(comparison.args[1]!)
        instead.set(
          node.args[0]!,
          (reader) => (made ??= g.at(reader.origin).apply(comparison.op, [value, zero])),
        )
      }
    }
    return finishLike(graph, g, values)
  },
}

/** The comparison of where(x > 0, x, z) or where(x <= 0, z, x), z being 0 or a positive multiple of x. */
function rectified(g: GraphBuild, value: Value): Node | undefined {
  const node = g.node(value)
  if (node?.op !== "where") return undefined
  const [cond, then, otherwise] = node.args.map((a) => g.value(a)) as [Value, Value, Value]
  const comparison = g.node(cond)
  const [x, rest] = comparison?.op === "gt" ? [then, otherwise] : [otherwise, then]
  const known = (v: Value): number | undefined => constantValue(g, v)
  const asks =
    (comparison?.op === "gt" || comparison?.op === "le") &&
    comparison.args[0] === x.id &&
    known(g.value(comparison.args[1]!)) === 0
  if (!asks) return undefined
  if (known(rest) === 0) return comparison
  const product = g.node(rest)
  if (product?.op !== "mul" || !product.args.includes(x.id)) return undefined
  const factor = product.args.map((a) => known(g.value(a))).find((n) => n !== undefined)
  return factor !== undefined && factor > 0 ? comparison : undefined
}
