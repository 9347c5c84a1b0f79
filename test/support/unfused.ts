/** test: fusion off: every node is a kernel of its own and every value has a buffer. What `fuse` and `pack` may do is checked
 *  against this, the simplest schedule there is. */
import type { Graph, Node } from "../../compiler/ir/graph/types.js"
import type { KernelProgram } from "../../compiler/ir/kernels/types.js"
import type { PassContext } from "../../compiler/pass.js"
import type { GroupedGraph } from "../../compiler/ir/groups/types.js"
import { buildKernels, choose, cut, link, order } from "../../compiler/schedule/index.js"
import type { Group } from "../../compiler/ir/groups/types.js"
import { loweringOf } from "../../compiler/ir/graph/graph-index.js"

export function scheduledAlone(graph: Graph, cx: PassContext): KernelProgram {
  const { parts } = cut.run(graph, cx)
  const groups = parts.map((p) => order.run(alone(p.graph), cx))
  return link(graph, parts, buildKernels.run(choose.run(groups, cx), cx))
}

/** One group per node, then the copies into slots. */
function alone(graph: Graph): GroupedGraph {
  const types = new Map([...graph.inputs, ...graph.state, ...graph.nodes].map((v) => [v.id, v.type]))
  const blank = { rootAxes: null, inner: [], members: [], full: [], parts: [], plan: null }
  const groups: Omit<Group, "id">[] = graph.nodes.map((node) => ({
    ...blank,
    ...spaceOf(
      node,
      node.args.map((a) => types.get(a)!),
    ),
    outer: node.type.shape,
    members: [node.id],
    stores: [{ value: node.id, slot: null }],
  }))
  for (const { slot, value } of graph.updates)
    groups.push({ ...blank, kind: "map", outer: types.get(slot)!.shape, stores: [{ value, slot }] })
  return { graph, groups: groups.map((group, id) => ({ ...group, id })) }
}

function spaceOf(node: Node, argTypes: readonly Node["type"][]): Pick<Group, "kind" | "inner"> {
  const lower = loweringOf(node)
  if (lower.kind === "map" || lower.kind === "none") return { kind: "map", inner: [] }
  const inner = lower.extents(argTypes, node.attrs, node.type)
  return { kind: lower.kind === "contract" ? "contract" : "row", inner }
}
