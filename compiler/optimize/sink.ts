/** optimize/sink: moves captured values into the region of a scan where they cost nothing to compute there: views, constants, scalars of
 *  the call and values computed from them alone.   Graph -> Graph
 *  Guarantees: a captured value is an input, a slot, a result of a scan, or a node that computes something with axes.
 *              Other passes then see the constants inside, and a loop reads through views as any kernel does. */
import { buildLike, finishLike, GraphBuild, renumbered, valueIn } from "../ir/graph/build.js"
import { isCheap, isScan, scanParts } from "../ir/graph/scan.js"
import type { Graph, Node, ValueId } from "../ir/graph/types.js"
import { intAttr } from "../ops/attrs.js"
import type { Value } from "../ops/op.js"
import type { Pass } from "../pass.js"

export const sink: Pass<Graph, Graph> = {
  name: "sink",
  summary: "move views and constants into loops",
  run(graph) {
    if (!graph.nodes.some(isScan)) return graph
    const { g, values } = buildLike(graph)
    for (const node of graph.nodes) {
      const args = node.args.map((a) => valueIn(values, a))
      values.set(node.id, isScan(node) ? sunk(g, node, args) : g.copy(node, args))
    }
    return finishLike(graph, g, values)
  },
}

/** The scan with cheap captures computed inside. */
function sunk(g: GraphBuild, node: Node, args: readonly Value[]): Value {
  const s = scanParts(node)
  const inner = new GraphBuild(s.region.name)
  const values = new Map<ValueId, Value>()
  for (const i of [...s.carries, ...s.slices]) values.set(i.id, inner.input(i.name, i.type))
  const captured: Value[] = []
  const entered = new Map<ValueId, Value>()
  const enter = (outer: Value): Value => {
    const known = entered.get(outer.id)
    if (known !== undefined) return known
    const made = g.node(outer)
    let value: Value
    if (made !== undefined && isCheap(made)) {
      const parts = made.args.map((a) => enter(g.value(a)))
      value = inner.copy(made, parts)
    } else {
      value = inner.input(`of.${captured.length}`, outer.type)
      captured.push(outer)
    }
    entered.set(outer.id, value)
    return value
  }
  const cut = s.carries.length + s.slices.length
  s.captures.forEach((c, i) => values.set(c.id, enter(args[cut + i]!)))
  if (s.iteration !== undefined)
    values.set(s.iteration.id, inner.input(s.iteration.name, s.iteration.type, s.iteration.source))
  for (const n of s.region.nodes)
    values.set(
      n.id,
      inner.copy(
        n,
        n.args.map((a) => valueIn(values, a)),
      ),
    )
  for (const o of s.region.outputs) inner.output(o.name, valueIn(values, o.value))
  const region = renumbered(inner.finish())
  const attrs = {
    iterations: s.iterations,
    carries: intAttr(node.attrs, "carries"),
    slices: intAttr(node.attrs, "slices"),
  }
  return g.at(node.origin).applyScan([...args.slice(0, cut), ...captured], attrs, region)
}
