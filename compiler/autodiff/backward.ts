/** autodiff: expands every `grad` node into ordinary nodes.   Graph -> Graph
 *  Assumes:    a well-formed graph.
 *  Guarantees: no `grad` is left; what it stood for is computed by nodes that know the node they are the gradient of.
 *              All gradients of one y share one reverse walk. A gradient may itself be differentiated: nodes are
 *              expanded in order, so the inner one is ordinary nodes when the outer one is met.
 *  Algorithm:  mark what depends on the wanted values through floats; walk back from y over the marked nodes, asking each
 *              operation for its rule and adding up what reaches each value.
 *  A mistake of the user: a gradient that is lost in integers or bools on every path (`no-gradient`). No path at all: zeros.
 *  Not here:   any operation's rule (ops/), removal of nodes nobody uses (optimize/dce). */
import { buildLike, finishLike, valueIn } from "../ir/graph/build.js"
import type { GraphBuild } from "../ir/graph/build.js"
import type { Graph, Node, ValueId } from "../ir/graph/types.js"
import { NOWHERE } from "../ir/origin.js"
import { printType, sameType } from "../ir/tensor.js"
import type { TensorType } from "../ir/tensor.js"
import { opDef } from "../ops/index.js"
import { grad } from "../ops/meta.js"
import type { Value } from "../ops/op.js"
import type { Pass, PassContext } from "../pass.js"
import { bug } from "../source/bug.js"
import { noGradient } from "./errors.js"

export const autodiff: Pass<Graph, Graph> = {
  name: "autodiff",
  summary: "expand gradients into ordinary nodes",
  run(graph, cx) {
    const wanted = wantedByScalar(graph)
    if (wanted.size === 0) return graph
    const { g, values } = buildLike(graph)
    const gradients = new Map<ValueId, ReadonlyMap<ValueId, Value>>()
    for (const node of graph.nodes) {
      if (opDef(node.op) !== grad) {
        const args = node.args.map((a) => valueIn(values, a))
        values.set(node.id, g.copy(node, args))
        continue
      }
      const [y, x] = [node.args[0]!, node.args[1]!]
      let ofY = gradients.get(y)
      if (ofY === undefined) {
        // What is not built yet comes after y, so y cannot depend on it.
        const targets = wanted.get(y)!.flatMap((id) => values.get(id) ?? [])
        ofY = backward(g, valueIn(values, y), targets, cx)
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

/** The gradient of the scalar y for those of `xs` that it depends on. */
export function backward(
  g: GraphBuild,
  y: Value,
  xs: readonly Value[],
  cx: Pick<PassContext, "diagnostics" | "locate">,
): ReadonlyMap<ValueId, Value> {
  const forward = g.built.slice()
  const active = dependents(forward, xs)
  const adjoints = new Map<ValueId, Value>()
  g.at({ ...(forward.find((n) => n.id === y.id)?.origin ?? NOWHERE), by: "autodiff" })
  if (active.has(y.id)) adjoints.set(y.id, g.constant(1, y.type.dtype))
  for (let i = forward.length - 1; i >= 0; i--) {
    const node = forward[i]!
    const dy = adjoints.get(node.id)
    if (dy === undefined || !node.args.some((a) => active.has(a))) continue
    g.at({ ...node.origin, by: "autodiff" })
    for (const [arg, value] of contributions(g, node, dy, active, cx)) {
      const before = adjoints.get(arg)
      adjoints.set(arg, before === undefined ? value : g.binary("add", before, value))
    }
  }
  return adjoints
}

/** All values that change, in float, with one of `xs`: these and what is computed from them. */
function dependents(nodes: readonly Node[], xs: readonly Value[]): ReadonlySet<ValueId> {
  const active = new Set(xs.map((x) => x.id))
  for (const node of nodes)
    if (isFloat(node.type) && node.args.some((a) => active.has(a))) active.add(node.id)
  return active
}
const isFloat = (type: TensorType): boolean => type.dtype === "f32" || type.dtype === "f16"

/** Where y depends on x, but through no floats: the first operation on the way whose result has no gradient. Zeros would be right
 *  and useless there. Undefined where y does not depend on x, or a gradient of 0 is what the operations say (floor). */
function whereLost(nodes: readonly Node[], y: Value, x: Value): { node: Node; why: string } | undefined {
  const active = dependents(nodes, [x])
  if (active.has(y.id)) return undefined
  const needed = new Set([y.id])
  for (const node of nodes.toReversed()) if (needed.has(node.id)) node.args.forEach((a) => needed.add(a))
  for (const node of nodes) {
    if (!needed.has(node.id) || isFloat(node.type) || !node.args.some((a) => active.has(a))) continue
    const rule = opDef(node.op).grad
    return { node, why: "none" in rule ? rule.none : `the result is ${printType(node.type)}` }
  }
  return undefined
}

/** What flows from one node into its active arguments. */
function contributions(
  g: GraphBuild,
  node: Node,
  dy: Value,
  active: ReadonlySet<ValueId>,
  cx: Pick<PassContext, "diagnostics" | "locate">,
): [ValueId, Value][] {
  const rule = opDef(node.op).grad
  if ("none" in rule) {
    cx.diagnostics.add(noGradient(node, rule.none, cx.locate(node.origin)))
    return []
  }
  const args = node.args.map((a) => g.value(a))
  const needs = (i: number): boolean => active.has(node.args[i]!)
  const found = rule({ args, out: g.value(node.id), dy, attrs: node.attrs, needs }, g)
  return found.flatMap((value, i): [ValueId, Value][] => {
    if (value === null || !needs(i)) return []
    const arg = args[i]!
    if (!sameType(value.type, arg.type))
      bug(
        `the gradient rule of ${node.op} gives ${printType(value.type)} for argument ${i}, which is ${printType(arg.type)}`,
      )
    return [[arg.id, value]]
  })
}
