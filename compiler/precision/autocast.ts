/** autocast: what contractions read is rounded to f16, in programs with mixed precision.   Graph -> Graph
 *  Guarantees: every argument of an operation with the trait `autocast` is an f16 tensor, widened: products of two halves are exact in
 *              f32, and so sums and results are. Everything else is computed in f32; parameters stay f32.
 *              What a contraction reads in f16 is read so by the gradients too, so that the f32 value need not be kept.
 *  How:        views are taken of the rounded value, so that a tensor is rounded once, however it is turned. The late part of a step
 *              is what no output needs: gradients and updates.
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
import { opDef } from "../ops/index.js"
import type { Value } from "../ops/op.js"
import type { Pass } from "../pass.js"

export const autocast: Pass<Graph, Graph> = {
  name: "autocast",
  summary: "let contractions read f16 where precision is mixed",
  run: (graph) => (graph.mixed ? halved(graph) : graph),
}

function halved(graph: Graph): Graph {
  const { g, values } = buildLike(unmarked(graph))
  const halves = new Halves(g)
  const early = neededFor(graph, graph.outputs)
  // Early results, and late views of them.
  const saved = new Set<ValueId>()
  for (const node of graph.nodes) {
    g.at({ ...node.origin, by: "autocast" })
    const isView = isViewOfOne(node)
    if (early.has(node.id) || (isView && saved.has(node.args[0]!))) saved.add(node.id)
    const args = node.args.map((a) => {
      const value = valueIn(values, a)
      if (opDef(node.op).traits.autocast) return halves.read(value)
      return !early.has(node.id) && !isView && saved.has(a) && halves.has(value) ? halves.read(value) : value
    })
    const inner = withRegions(node, (region) => renumbered(halved(region)))
    values.set(node.id, g.copy(inner, args))
  }
  const made = finishLike(graph, g, values)
  // Views that only contractions took are taken of the rounded values now.
  const needed = neededFor(made, [...made.outputs, ...made.updates])
  return { ...made, nodes: made.nodes.filter((n) => needed.has(n.id)) }
}

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

  /** Whether x has one already, or what it is a view of. */
  has(x: Value): boolean {
    const node = this.g.node(x)
    return this.rounded.has(x.id) || (node !== undefined && isViewOfOne(node) && this.has(this.source(node)))
  }
  /** x as the nearest halves, in f32. */
  read(x: Value): Value {
    if (x.type.dtype !== "f32") return x
    let wide = this.widened.get(x.id)
    if (wide === undefined) {
      wide = this.g.apply("cast", [this.half(x)], { dtype: "f32" })
      this.widened.set(x.id, wide)
    }
    return wide
  }
  private source(node: Node): Value {
    return this.g.value(node.args[0]!)
  }
  private half(x: Value): Value {
    let half = this.rounded.get(x.id)
    if (half === undefined) {
      const node = this.g.node(x)
      half =
        node !== undefined && isViewOfOne(node)
          ? this.g.apply(node.op, [this.half(this.source(node))], node.attrs)
          : this.g.apply("cast", [x], { dtype: "f16" })
      this.rounded.set(x.id, half)
    }
    return half
  }
}

const isViewOfOne = (node: Node): boolean => opDef(node.op).traits.kind === "view" && node.args.length === 1
