/** optimize: removes from a scan the results that are not taken, and the carries and arguments that only those needed.
 *  Not here:   which results are needed (dce.ts). */
import { scanParts } from "../ir/graph/scan.js"
import type { Graph, Node, ValueId } from "../ir/graph/types.js"

export interface Trimmed {
  readonly node: Node
  /** The new number of each result that is left. */
  readonly results: ReadonlyMap<number, number>
}

export function trimScan(node: Node, wanted: ReadonlySet<number>): Trimmed {
  const s = scanParts(node)
  const stacked = s.stacked.filter((_, i) => wanted.has(s.carries.length + i))
  const carried = new Set(s.carries.flatMap((_, i) => (wanted.has(i) ? [i] : [])))
  let needed = new Set<ValueId>()
  // A carry is needed when its last value is, or when an iteration reads it for something that is needed.
  for (let size = -1; size !== carried.size;) {
    size = carried.size
    const roots = [...stacked, ...s.next.filter((_, i) => carried.has(i))].map((o) => o.value)
    needed = reaching(s.region, roots)
    s.carries.forEach((c, i) => needed.has(c.id) && carried.add(i))
  }
  const kept = <T>(list: readonly T[], keep: (i: number) => boolean): T[] => list.filter((_, i) => keep(i))
  const carry = (i: number): boolean => carried.has(i)
  const slice = (i: number): boolean => needed.has(s.slices[i]!.id)
  const capture = (i: number): boolean => needed.has(s.captures[i]!.id)
  const carries = kept(s.carries, carry)
  const slices = kept(s.slices, slice)
  const args = [...kept(s.first, carry), ...kept(s.sequences, slice), ...kept(s.captured, capture)]
  const region: Graph = {
    ...s.region,
    inputs: [
      ...carries,
      ...slices,
      ...kept(s.captures, capture),
      ...(s.iteration !== undefined && needed.has(s.iteration.id) ? [s.iteration] : []),
    ],
    nodes: s.region.nodes.filter((n) => needed.has(n.id)),
    outputs: [...kept(s.next, carry), ...stacked],
  }
  const left = [
    ...s.carries.flatMap((_, i) => (carry(i) ? [i] : [])),
    ...s.stacked.flatMap((_, i) => (wanted.has(s.carries.length + i) ? [s.carries.length + i] : [])),
  ]
  const attrs = { ...node.attrs, carries: carries.length, slices: slices.length }
  return {
    node: { ...node, args, attrs, regions: [region] },
    results: new Map(left.map((old, i) => [old, i])),
  }
}

/** All values that `roots` are computed from, themselves included. */
function reaching(graph: Graph, roots: readonly ValueId[]): Set<ValueId> {
  const needed = new Set(roots)
  for (const node of graph.nodes.toReversed())
    if (needed.has(node.id)) node.args.forEach((a) => needed.add(a))
  return needed
}
