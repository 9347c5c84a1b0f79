/** ir/graph: a graph as a diagram: inputs, slots and nodes as boxes, uses as arrows; then the bodies of its loops.
 *  Constants, and other nodes that read nothing, stand in the boxes that use them: as boxes of their own they hide the rest. */
import type { Arrow, Box, Diagram } from "../diagram.js"
import { printType } from "../tensor.js"
import { printAttrs, valueNames } from "./text.js"
import type { Graph, Node, ValueId } from "./types.js"

export function graphDiagrams(graph: Graph, title = graph.name): Diagram[] {
  const regions = graph.nodes.flatMap((n) =>
    (n.regions ?? []).flatMap((region) => graphDiagrams(region, `${title}, each iteration of %${n.id}`)),
  )
  return [{ title, boxes: boxesOf(graph), arrows: arrowsOf(graph), frames: [] }, ...regions]
}

export const boxOf = (value: ValueId): string => `v${value}`

function boxesOf(graph: Graph): Box[] {
  const names = valueNames(graph)
  const leaves = leavesOf(graph)
  const shown = (value: ValueId): string[] => [leaves.get(value) ?? []].flat()
  return [
    ...graph.inputs.map((i): Box => {
      return { id: boxOf(i.id), kind: "input", label: [i.name, printType(i.type)], origins: [i.origin] }
    }),
    ...graph.state.map((s): Box => {
      return { id: boxOf(s.id), kind: "slot", label: [`@${s.name}`, printType(s.type)], origins: [s.origin] }
    }),
    ...graph.nodes.filter(isBox).map((n): Box => {
      const label = [...said(n), printType(n.type), ...n.args.flatMap(shown)]
      return { id: boxOf(n.id), kind: "node", label, origins: [n.origin] }
    }),
    ...graph.outputs.map((o): Box => {
      const label = [`return ${o.name}`, ...shown(o.value)]
      return { id: `return ${o.name}`, kind: "output", label, origins: [] }
    }),
    ...graph.updates.map((u): Box => {
      const label = [`update ${names.get(u.slot) ?? ""}`, ...shown(u.value)]
      return { id: `update ${u.slot}`, kind: "output", label, origins: [] }
    }),
  ]
}

function arrowsOf(graph: Graph): Arrow[] {
  const leaves = leavesOf(graph)
  const arrow = (from: ValueId, to: string): Arrow[] => (leaves.has(from) ? [] : [{ from: boxOf(from), to }])
  return [
    ...graph.nodes.flatMap((n) => [...new Set(n.args)].flatMap((a) => arrow(a, boxOf(n.id)))),
    ...graph.outputs.flatMap((o) => arrow(o.value, `return ${o.name}`)),
    ...graph.updates.flatMap((u) => arrow(u.value, `update ${u.slot}`)),
  ]
}

const isBox = (n: Node): boolean => n.args.length > 0
const said = (n: Node): string[] => [
  `%${n.id} ${n.op}`,
  ...(Object.keys(n.attrs).length === 0 ? [] : [printAttrs(n.attrs)]),
]
/** The labels of the nodes that are drawn without a box. */
const leavesOf = (graph: Graph): ReadonlyMap<ValueId, string> =>
  new Map(graph.nodes.filter((n) => !isBox(n)).map((n) => [n.id, said(n).join(" ")]))
