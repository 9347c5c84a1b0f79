/** autodiff: expands every `grad` node into ordinary nodes.   Graph -> Graph
 *  Assumes:    a well-formed graph.
 *  Guarantees: no `grad` is left; ordinary nodes, whose origins name the node that they are the gradient of, compute its value.
 *              All gradients of one y share one reverse walk. A gradient may itself be differentiated: nodes are
 *              expanded in order, so the inner one is ordinary nodes when the outer one is met.
 *  A mistake of the user: a gradient that is lost in integers or bools on every path (`no-gradient`). No path at all: zeros.
 *  Not here:   the walk itself (walk.ts), any operation's rule (ops/), removal of nodes nobody uses (optimize/dce). */
import { buildLike, finishLike, valueIn, withRegions } from "../ir/graph/build.js"
import { isScan } from "../ir/graph/scan.js"
import type { Graph, Node, ValueId } from "../ir/graph/types.js"
import { NOWHERE } from "../ir/origin.js"
import { isFloat, printType } from "../ir/tensor.js"
import { opDef } from "../ops/index.js"
import { grad } from "../ops/meta.js"
import type { Value } from "../ops/op.js"
import type { PassContext } from "../pass.js"
import { noGradient } from "./errors.js"
import { savingStacks } from "./scan.js"
import { dependents, pullBack, type WalkContext } from "./walk.js"

export const autodiff = {
  name: "autodiff",
  summary: "expand gradients into ordinary nodes",
  run(graph: Graph, cx: PassContext & WalkContext): Graph {
    if (!hasGrad(graph)) return graph
    const wanted = wantedByScalar(graph)
    const { g, values } = buildLike(graph)
    const gradients = new Map<ValueId, ReadonlyMap<ValueId, Value>>()
    for (const node of graph.nodes) {
      if (opDef(node.op) !== grad) {
        const args = node.args.map((a) => valueIn(values, a))
        const inner = withRegions(node, (region) => autodiff.run(region, cx))
        values.set(node.id, g.copy(savingStacks(inner, cx), args))
        continue
      }
      const [y, x] = [node.args[0]!, node.args[1]!]
      let ofY = gradients.get(y)
      if (ofY === undefined) {
        // A node that is not built yet comes after y, so y cannot depend on it.
        const targets = wanted.get(y)!.flatMap((id) => values.get(id) ?? [])
        const scalar = valueIn(values, y)
        g.at({ ...(g.node(scalar)?.origin ?? NOWHERE), by: "autodiff" })
        ofY = pullBack(g, [[scalar.id, g.constant(1, scalar.type.dtype)]], targets, cx)
        gradients.set(y, ofY)
      }
      const target = valueIn(values, x)
      const found = ofY.get(target.id)
      if (found === undefined) {
        const lost = whereLost(g.built, valueIn(values, y), target)
        if (lost !== undefined)
          cx.diagnostics.add(noGradient(lost.node, lost.why, cx.locate(lost.node.origin)))
      }
      values.set(node.id, found ?? g.at({ ...node.origin, by: "autodiff" }).full(0, target.type))
    }
    return finishLike(graph, g, values)
  },
}

const hasGrad = (graph: Graph): boolean =>
  graph.nodes.some((n) => opDef(n.op) === grad || n.regions?.some(hasGrad))

/** For each y, every x that a `grad(y, x)` asks for. */
function wantedByScalar(graph: Graph): Map<ValueId, ValueId[]> {
  const wanted = new Map<ValueId, ValueId[]>()
  for (const node of graph.nodes) {
    if (opDef(node.op) !== grad) continue
    const [y, x] = [node.args[0]!, node.args[1]!]
    const list = wanted.get(y)
    if (list === undefined) wanted.set(y, [x])
    else list.push(x)
  }
  return wanted
}

/** Where y depends on x, but through no floats: the first operation on the way whose result has no gradient. Zeros would be right
 *  and useless there. Undefined where y does not depend on x, or a gradient of 0 is what the operations say (floor). */
function whereLost(nodes: readonly Node[], y: Value, x: Value): { node: Node; why: string } | undefined {
  const active = dependents(nodes, [x])
  if (active.has(y.id)) return undefined
  const needed = new Set([y.id])
  for (const node of nodes.toReversed()) if (needed.has(node.id)) node.args.forEach((a) => needed.add(a))
  for (const node of nodes) {
    if (
      !needed.has(node.id) ||
      isFloat(node.type.dtype) ||
      isScan(node) ||
      !node.args.some((a) => active.has(a))
    )
      continue
    const rule = opDef(node.op).grad
    return { node, why: "none" in rule ? rule.none : `the result is ${printType(node.type)}` }
  }
  return undefined
}
