/** optimize/simplify: local algebra.   Graph -> Graph
 *  Assumes:    autodiff ran (`stop_gradient` is dropped here).
 *  Guarantees: no rule of `rules.ts` applies to any node; values are the same, up to the sign of zero.
 *  Algorithm:  nodes in order; the result of a rule is simplified in turn, so one sweep is enough. Every rule makes its node
 *              cheaper or moves it nearer to its arguments, so the sweep ends.
 *  Not here:   removal of unused nodes (dce). */
import type { OpName } from "../ir/op-name.js"
import { rewritten } from "../ir/graph/build.js"
import type { GraphBuild } from "../ir/graph/build.js"
import type { Attrs, Graph } from "../ir/graph/types.js"
import type { TensorType } from "../ir/tensor.js"
import { completeAttrs, inferType, opDef } from "../ops/index.js"
import type { Value } from "../ops/op.js"
import type { Pass } from "../pass.js"
import { constantValue } from "./fold-constants.js"
import { rulesFor } from "./rules.js"
import type { Match } from "./rules.js"

export const simplify: Pass<Graph, Graph> = {
  name: "simplify",
  summary: "apply local algebra",
  run: (graph) =>
    rewritten(graph, (g, { op, attrs, type, regions }, args) =>
      regions === undefined ? rewrite(g, op, args, attrs, type) : undefined,
    ),
}

/** The result of the first rule that applies. */
function rewrite(
  g: GraphBuild,
  op: OpName,
  args: readonly Value[],
  attrs: Attrs,
  type: TensorType,
): Value | undefined {
  const match: Match = {
    op,
    args,
    attrs,
    type,
    from: (value) => {
      const node = g.node(value)
      return node && { op: node.op, args: node.args.map((a) => g.value(a)), attrs: node.attrs }
    },
    known: (value) => constantValue(g, value),
    number: (value) => g.constant(value, type.dtype),
    make: (newOp, newArgs, newAttrs = {}) => {
      const def = opDef(newOp)
      const complete = completeAttrs(def, newAttrs)
      const types = newArgs.map((a) => a.type)
      const made = rewrite(g, newOp, newArgs, complete, inferType(def, types, complete))
      return made ?? g.apply(newOp, newArgs, complete)
    },
  }
  for (const rule of rulesFor(op)) {
    const result = rule(match)
    if (result !== undefined) return result
  }
  return undefined
}
