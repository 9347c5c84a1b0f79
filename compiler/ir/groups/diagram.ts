/** ir/groups: a grouped graph as a diagram: the graph, with a frame around the nodes of each group. A node that several groups
 *  compute stands in the first of them. */
import type { Diagram } from "../diagram.js"
import { boxOf, graphDiagrams } from "../graph/diagram.js"
import { printShape } from "../tensor.js"
import type { GroupedGraph } from "./types.js"

export function groupDiagrams({ graph, groups }: GroupedGraph): Diagram[] {
  const [whole, ...regions] = graphDiagrams(graph)
  if (whole === undefined) return []
  const drawn = new Set(whole.boxes.map(({ id }) => id))
  const frames = groups.map((group) => {
    const boxes = group.members.map(boxOf).filter((id) => drawn.delete(id))
    const inner = group.inner.length === 0 ? "" : ` x ${printShape(group.inner)}`
    return { label: `${group.kind} ${group.id} over ${printShape(group.outer)}${inner}`, boxes }
  })
  return [{ ...whole, frames }, ...regions]
}
