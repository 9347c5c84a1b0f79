/** lower: drops all that no output and no update needs, inputs and slots included. Inlined sections leave such remains: a
 *  report's gradient-free half, a configuration that was never used. */
import { bug } from "../source/bug.js"
import type { Graph, ValueId } from "../ir/graph/types.js"

/** `keepSlots`: the slots stay, though nothing reads them (the graph that gives them their first values). */
export function prune(graph: Graph, options: { readonly keepSlots?: boolean } = {}): Graph {
  const needed = new Set<ValueId>([
    ...graph.outputs.map((o) => o.value),
    ...graph.updates.flatMap((u) => [u.slot, u.value]),
  ])
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i] ?? bug("a node is missing")
    if (needed.has(node.id)) for (const arg of node.args) needed.add(arg)
  }
  return {
    ...graph,
    inputs: graph.inputs.filter((i) => needed.has(i.id)),
    state: options.keepSlots ? graph.state : graph.state.filter((s) => needed.has(s.id)),
    nodes: graph.nodes.filter((n) => needed.has(n.id)),
  }
}
