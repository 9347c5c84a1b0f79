/** autocast: rounds the arguments of contractions to f16, in programs with mixed precision.   Graph -> Graph
 *  Guarantees: every argument of an operation with the trait `autocast` is an f16 tensor, widened: products of two halves are exact in
 *              f32, and so sums and results are. Everything else is computed in f32; parameters stay f32.
 *              Gradients too read the f16 form of a contraction's argument, so that the f32 value need not be kept. Where they
 *              compare two values, both are those that were computed: a largest element is no longer one of its row once it is rounded.
 *  How:        views are taken of the rounded value, so that a tensor is rounded once, however it is turned. The late part of a step
 *              is the part that no output needs: gradients and updates.
 *  Not here:   scaling the loss (lower/scaling.ts). */
import {
  buildLike,
  finishLike,
  type GraphBuild,
  renumbered,
  valueIn,
  withRegions,
} from "../ir/graph/build.js"
import type { Graph, Node, ValueId } from "../ir/graph/types.js"
import { isScan, scanParts } from "../ir/graph/scan.js"
import { evalDim, numel, type TensorType } from "../ir/tensor.js"
import { opDef } from "../ops/index.js"
import type { Value } from "../ops/op.js"
import type { Pass } from "../pass.js"

export const autocast: Pass<Graph, Graph> = {
  name: "autocast",
  summary: "let contractions read f16 where precision is mixed",
  run: (graph) => (graph.mixed ? halved(graph) : graph),
}

/** `given`: inputs that are halves already. */
function halved(graph: Graph, given: ReadonlySet<ValueId> = new Set()): Graph {
  const inputs = graph.inputs.map((i) => (given.has(i.id) ? { ...i, type: asHalf(i.type) } : i))
  const { g, values } = buildLike({ ...unmarked(graph), inputs })
  const halves = new Halves(g)
  for (const id of given) values.set(id, halves.enter(valueIn(values, id)))
  const early = neededFor(graph, graph.outputs)
  // Early results, and late views of them.
  const saved = new Set<ValueId>()
  for (const node of graph.nodes) {
    g.at({ ...node.origin, by: "autocast" })
    const isView = isViewOfOne(node)
    if (early.has(node.id) || (isView && saved.has(node.args[0]!))) saved.add(node.id)
    const captured = isScan(node) ? capturedByContractions(node) : new Map<number, ValueId>()
    const args = node.args.map((a, n) => {
      const value = valueIn(values, a)
      if (captured.has(n)) return halves.round(value)
      if (opDef(node.op).traits.autocast) return halves.read(value)
      const isLate = !early.has(node.id) && !isView && !comparesTwo(g, node, values)
      return isLate && saved.has(a) && halves.has(value) ? halves.read(value) : value
    })
    const inner = withRegions(node, (region) => renumbered(halved(region, new Set(captured.values()))))
    values.set(node.id, g.copy(inner, args))
  }
  const made = finishLike(graph, g, values)
  // Views that only contractions took are taken of the rounded values now.
  const needed = neededFor(made, [...made.outputs, ...made.updates])
  return { ...made, nodes: made.nodes.filter((n) => needed.has(n.id)) }
}

/** Values that a loop captures for contractions alone are rounded before the loop, not in every iteration: the region's inputs, by the number of
 *  the argument. */
function capturedByContractions(loop: Node): ReadonlyMap<number, ValueId> {
  const { captures, carries, slices, region } = scanParts(loop)
  const results = new Set(region.outputs.map((o) => o.value))
  const onlyContractions = (v: ValueId): boolean => {
    const readers = region.nodes.filter((n) => n.args.includes(v))
    const fits = (n: Node): boolean =>
      opDef(n.op).traits.autocast === true || (isViewOfOne(n) && onlyContractions(n.id))
    return readers.length > 0 && !results.has(v) && readers.every(fits)
  }
  return new Map(
    captures.flatMap((c, i): [number, ValueId][] =>
      c.type.dtype === "f32" && onlyContractions(c.id) ? [[carries.length + slices.length + i, c.id]] : [],
    ),
  )
}

const asHalf = ({ shape }: TensorType): TensorType => ({ dtype: "f16", shape })

const unmarked = ({ mixed: _, ...graph }: Graph): Graph => graph

function neededFor(graph: Graph, results: readonly { readonly value: ValueId }[]): ReadonlySet<ValueId> {
  const needed = new Set(results.map((r) => r.value))
  for (const node of graph.nodes.toReversed())
    if (needed.has(node.id)) for (const a of node.args) needed.add(a)
  return needed
}

/** The f16 form of values, made when it is first asked for. */
class Halves {
  private readonly rounded = new Map<ValueId, Value>()
  private readonly widened = new Map<ValueId, Value>()
  constructor(private readonly g: GraphBuild) {}

  /** Whether x, or the value that it is a view of, has one already. */
  has(x: Value): boolean {
    const source = this.source(x)
    return this.rounded.has(x.id) || (source !== undefined && this.has(source))
  }
  /** x as the nearest halves, in f32. */
  read(x: Value): Value {
    if (x.type.dtype !== "f32") return x
    let wide = this.widened.get(x.id)
    if (wide === undefined) {
      wide = this.g.apply("cast", [this.round(x)], { dtype: "f32" })
      this.widened.set(x.id, wide)
    }
    return wide
  }
  /** A half from outside, in f32. */
  enter(half: Value): Value {
    const wide = this.g.apply("cast", [half], { dtype: "f32" })
    this.rounded.set(wide.id, half)
    this.widened.set(wide.id, wide)
    return wide
  }
  /** The value that x is a view of, if x has all of its elements. */
  private source(x: Value): Value | undefined {
    const node = this.g.node(x)
    if (node === undefined || !isViewOfOne(node)) return undefined
    const source = this.g.value(node.args[0]!)
    return elements(x.type) >= elements(source.type) ? source : undefined
  }
  round(x: Value): Value {
    let half = this.rounded.get(x.id)
    if (half === undefined) {
      const source = this.source(x)
      const node = this.g.node(x)
      half =
        source !== undefined && node !== undefined
          ? this.g.apply(node.op, [this.round(source)], node.attrs)
          : this.g.apply("cast", [x], { dtype: "f16" })
      this.rounded.set(x.id, half)
    }
    return half
  }
}

const elements = ({ shape }: TensorType): number => evalDim(numel(shape), { B: 1, R: 1 })

/** Whether both operands of a comparison vary: a sign is that of the rounded value, too. */
function comparesTwo(g: GraphBuild, node: Node, values: ReadonlyMap<ValueId, Value>): boolean {
  const varies = (x: Value): boolean => {
    const made = g.node(x)
    if (made === undefined) return true
    return isViewOfOne(made) ? varies(g.value(made.args[0]!)) : made.op !== "constant"
  }
  return node.type.dtype === "bool" && node.args.filter((a) => varies(valueIn(values, a))).length > 1
}

const isViewOfOne = (node: Node): boolean => opDef(node.op).traits.kind === "view" && node.args.length === 1
