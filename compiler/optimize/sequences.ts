/** optimize/sequences: loops see whole sequences and read the slice of their iteration themselves.   Graph -> Graph
 *  Assumes:    autodiff ran: the gradient of a slice is a stack, that of an index taken would be a whole sequence each iteration.
 *  Guarantees: no scan has slices; a sequence that is a view is read through that view within the loop. */
import { GraphBuild, valueIn } from "../ir/graph/build.js"
import { isScan, scanParts } from "../ir/graph/scan.js"
import type { Graph, Node, ValueId } from "../ir/graph/types.js"
import { scalarType, tensorType } from "../ir/tensor.js"
import type { Value } from "../ops/op.js"
import type { Pass } from "../pass.js"
import { sink } from "./sink.js"

export const sequences: Pass<Graph, Graph> = {
  name: "sequences",
  summary: "let loops read their sequences themselves",
  run: (graph, cx) => {
    if (!graph.nodes.some(isScan)) return graph
    return sink.run({ ...graph, nodes: graph.nodes.map((n) => (isScan(n) ? withoutSlices(n) : n)) }, cx)
  },
}

function withoutSlices(node: Node): Node {
  const s = scanParts(node)
  const g = new GraphBuild(s.region.name)
  const values = new Map<ValueId, Value>()
  for (const i of [...s.carries, ...s.captures]) values.set(i.id, g.input(i.name, i.type))
  const sequences = s.slices.map((i) =>
    g.input(i.name, tensorType(i.type.dtype, [s.iterations, ...i.type.shape])),
  )
  const iteration = g.input("iteration", scalarType("i32"), { kind: "scalar", scalar: "iteration" })
  if (s.iteration !== undefined) values.set(s.iteration.id, iteration)
  s.slices.forEach((i, n) => values.set(i.id, g.apply("take", [sequences[n]!, iteration], { axis: 0 })))
  for (const n of s.region.nodes) {
    const args = n.args.map((a) => valueIn(values, a))
    values.set(n.id, g.copy(n, args))
  }
  for (const o of s.region.outputs) g.output(o.name, valueIn(values, o.value))
  const args = [...s.first, ...s.captured, ...s.sequences]
  return { ...node, args, attrs: { ...node.attrs, slices: 0 }, regions: [g.finish()] }
}
