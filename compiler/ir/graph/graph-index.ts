/** ir/graph: a graph indexed by value, with the consumers and the operation of each node. */
import { opDef } from "../../ops/index.js"
import type { Lowering, OpDef } from "../../ops/op.js"
import { bug } from "../../source/bug.js"
import { type Dim, numel, type TensorType } from "../tensor.js"
import type { Graph, Input, Node, StateSlot, ValueId } from "./types.js"

/** A graph with its values by number and the consumers of each. */
export interface GraphIndex {
  readonly graph: Graph
  readonly nodes: ReadonlyMap<ValueId, Node>
  readonly inputs: ReadonlyMap<ValueId, Input>
  readonly slots: ReadonlyMap<ValueId, StateSlot>
  readonly consumers: ReadonlyMap<ValueId, readonly Node[]>
}

export function indexGraph(graph: Graph): GraphIndex {
  const consumers = new Map<ValueId, Node[]>()
  for (const node of graph.nodes) {
    for (const arg of new Set(node.args)) {
      const list = consumers.get(arg)
      if (list === undefined) consumers.set(arg, [node])
      else list.push(node)
    }
  }
  return {
    graph,
    nodes: new Map(graph.nodes.map((n) => [n.id, n])),
    inputs: new Map(graph.inputs.map((i) => [i.id, i])),
    slots: new Map(graph.state.map((s) => [s.id, s])),
    consumers,
  }
}

export const typeOfValue = (g: GraphIndex, v: ValueId): TensorType =>
  (g.nodes.get(v) ?? g.inputs.get(v) ?? g.slots.get(v) ?? bug(`graph ${g.graph.name} has no value %${v}`))
    .type

export const defOf = (node: Node): OpDef => opDef(node.op)
export const loweringOf = (node: Node): Lowering => defOf(node).lower

export const elementsOf = (g: GraphIndex, v: ValueId): Dim => numel(typeOfValue(g, v).shape)
