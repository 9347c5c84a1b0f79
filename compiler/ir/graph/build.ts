/** ir/graph: makes graphs, node by node.
 *  Guarantees: every node has its inferred type, complete attributes and an origin; constants of one value are one node.
 *  Not here:   sharing of equal nodes in general (optimize/cse), checking of finished graphs (verify.ts). */
import { completeAttrs, inferType, opDef } from "../../ops/index.js"
import type { GraphBuilder, Value } from "../../ops/op.js"
import { bug } from "../../source/bug.js"
import { NOWHERE } from "../origin.js"
import type { Origin } from "../origin.js"
import { broadcastShapes, printShape, sameShape } from "../tensor.js"
import type { DType, Shape, TensorType } from "../tensor.js"
import type { OpName } from "../op-name.js"
import type {
  Attrs,
  Graph,
  Input,
  InputSource,
  Node,
  Output,
  Row,
  StateSlot,
  Update,
  ValueId,
} from "./types.js"

/** A graph under construction. `origin` is given to the nodes that follow; set it with `at`. */
export class GraphBuild implements GraphBuilder {
  private readonly inputs: Input[] = []
  private readonly state: StateSlot[] = []
  private readonly nodes: Node[] = []
  private readonly outputs: Output[] = []
  private readonly updates: Update[] = []
  private readonly constants = new Map<string, Value>()
  private readonly values = new Map<ValueId, Value>()
  private readonly byId = new Map<ValueId, Node>()
  private nextId = 0
  private origin: Origin = NOWHERE

  constructor(
    private readonly name: string,
    private readonly mixed = false,
  ) {}

  /** The origin of the nodes that follow. */
  at(origin: Origin): this {
    this.origin = origin
    return this
  }

  input(name: string, type: TensorType, source: InputSource = { kind: "feed" }, origin = this.origin): Value {
    const id = this.nextId++
    this.inputs.push({ id, name, type, source, origin })
    return this.bind(id, type)
  }
  slot(name: string, type: TensorType, role: StateSlot["role"], origin = this.origin): Value {
    const id = this.nextId++
    this.state.push({ id, name, type, role, origin })
    return this.bind(id, type)
  }
  /** A copy of a node of another graph on these arguments, with the recorded type and origin. */
  copy(node: Node, args: readonly Value[]): Value {
    return this.push({ ...node, id: this.nextId++, args: args.map((a) => a.id) })
  }
  output(name: string, value: Value, into?: { readonly input: Value; readonly row: Row }): void {
    const target = into && { into: { input: into.input.id, row: into.row } }
    this.outputs.push({ name, value: value.id, ...target })
  }
  update(slot: Value, value: Value): void {
    this.updates.push({ slot: slot.id, value: value.id })
  }
  /** The value of an id of this graph. */
  value(id: ValueId): Value {
    return valueIn(this.values, id)
  }
  /** The node that computes a value; undefined for inputs and slots. */
  node(value: Value): Node | undefined {
    return this.byId.get(value.id)
  }
  /** The nodes so far, in order. A live view. */
  get built(): readonly Node[] {
    return this.nodes
  }
  finish(): Graph {
    const { name, inputs, state, nodes, outputs, updates } = this
    return { name, ...(this.mixed && { mixed: true }), inputs, state, nodes, outputs, updates }
  }

  apply(op: OpName, args: readonly Value[], attrs: Attrs = {}, regions?: readonly Graph[]): Value {
    const def = opDef(op)
    const complete = completeAttrs(def, attrs)
    const type = inferType(
      def,
      args.map((a) => a.type),
      complete,
    )
    return this.push({
      id: this.nextId++,
      op,
      args: args.map((a) => a.id),
      attrs: complete,
      type,
      origin: this.origin,
      ...(regions === undefined ? {} : { regions }),
    })
  }
  /** A loop over time; `region` says what one iteration does. */
  applyScan(
    args: readonly Value[],
    attrs: { readonly iterations: number; readonly carries: number; readonly slices: number },
    region: Graph,
  ): Value {
    return this.apply("scan", args, attrs, [region])
  }
  constant(value: number, dtype: DType = "f32"): Value {
    const key = `${dtype} ${Object.is(value, -0) ? "-0" : value}`
    const known = this.constants.get(key)
    if (known !== undefined) return known
    const made = this.apply("constant", [], { value, dtype })
    this.constants.set(key, made)
    return made
  }
  binary(op: OpName, a: Value, b: Value): Value {
    const shape = broadcastShapes(a.type.shape, b.type.shape)
    if (shape === undefined)
      return bug(`${op} of shapes ${printShape(a.type.shape)} and ${printShape(b.type.shape)}`)
    return this.apply(op, [this.stretch(a, shape), this.stretch(b, shape)])
  }
  /** Broadcast to exactly `shape`; a scalar stays one where it meets a shaped argument. */
  private stretch(x: Value, shape: Shape): Value {
    if (x.type.shape.length === 0 || sameShape(x.type.shape, shape)) return x
    return this.apply("broadcast", [x], { shape })
  }
  sumTo(dy: Value, to: TensorType): Value {
    if (sameShape(dy.type.shape, to.shape)) return dy
    const added = dy.type.shape.length - to.shape.length
    const axes = dy.type.shape.flatMap((d, axis) =>
      axis < added || (to.shape[axis - added] === 1 && d !== 1) ? [axis] : [],
    )
    const summed = axes.length === 0 ? dy : this.apply("sum", [dy], { axes, keepdim: false })
    return sameShape(summed.type.shape, to.shape)
      ? summed
      : this.apply("reshape", [summed], { shape: to.shape })
  }
  /** Every element `value`. */
  full(value: number, type: TensorType): Value {
    const scalar = this.constant(value, type.dtype)
    return type.shape.length === 0 ? scalar : this.apply("broadcast", [scalar], { shape: type.shape })
  }

  private push(node: Node): Value {
    this.nodes.push(node)
    this.byId.set(node.id, node)
    return this.bind(node.id, node.type)
  }
  private bind(id: ValueId, type: TensorType): Value {
    const value = { id, type }
    this.values.set(id, value)
    return value
  }
}

/** Starts a graph with the inputs and slots of another. `values` maps its ids to the new ones. */
export function buildLike(graph: Graph): { g: GraphBuild; values: Map<ValueId, Value> } {
  const g = new GraphBuild(graph.name, graph.mixed)
  const values = new Map<ValueId, Value>()
  for (const i of graph.inputs) values.set(i.id, g.input(i.name, i.type, i.source, i.origin))
  for (const s of graph.state) values.set(s.id, g.slot(s.name, s.type, s.role, s.origin))
  return { g, values }
}

/** Ends a graph started by `buildLike` with the outputs and updates of the old one. */
export function finishLike(graph: Graph, g: GraphBuild, values: ReadonlyMap<ValueId, Value>): Graph {
  for (const o of graph.outputs)
    g.output(o.name, valueIn(values, o.value), o.into && { ...o.into, input: valueIn(values, o.into.input) })
  for (const u of graph.updates) g.update(valueIn(values, u.slot), valueIn(values, u.value))
  return g.finish()
}

/** The same graph, its ids in the order of its text. */
export function renumbered(graph: Graph): Graph {
  const { g, values } = buildLike(graph)
  for (const node of graph.nodes) {
    const args = node.args.map((a) => valueIn(values, a))
    values.set(node.id, g.copy(node, args))
  }
  return finishLike(graph, g, values)
}

/** Replaces each node of a graph and its regions by the result of `change`; a node that it gives no result for is copied. */
export function rewritten(
  graph: Graph,
  change: (g: GraphBuild, node: Node, args: readonly Value[]) => Value | undefined,
): Graph {
  const { g, values } = buildLike(graph)
  for (const node of graph.nodes) {
    g.at(node.origin)
    const args = node.args.map((a) => valueIn(values, a))
    const inner = (): Node => withRegions(node, (region) => rewritten(region, change))
    values.set(node.id, change(g, node, args) ?? g.copy(inner(), args))
  }
  return finishLike(graph, g, values)
}

/** The node with each of its regions changed. */
export const withRegions = (node: Node, change: (region: Graph) => Graph): Node =>
  node.regions === undefined ? node : { ...node, regions: node.regions.map(change) }

/** The same graph wherever its lines stand. */
export const withoutOrigins = (graph: Graph): Graph => ({
  ...graph,
  inputs: graph.inputs.map((input) => ({ ...input, origin: NOWHERE })),
  state: graph.state.map((slot) => ({ ...slot, origin: NOWHERE })),
  nodes: graph.nodes.map((node) => ({ ...withRegions(node, withoutOrigins), origin: NOWHERE })),
})

/** The new value of an old id. */
export const valueIn = (values: ReadonlyMap<ValueId, Value>, id: ValueId): Value =>
  values.get(id) ?? bug(`%${id} is used before it is defined`)
