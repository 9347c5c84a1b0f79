/** optimize/after-loops: a sum that a loop only carries along, of products within its iterations, becomes one product of stacks after
 *  the loop: the gradient of a recurrent weight is then one contraction over all iterations instead of a small one in each.
 *      sum over t of a[t] @ b[t]  =  [a[0] a[1] ...] @ [b[0]; b[1]; ...]
 *  Graph -> Graph
 *  Assumes:    autodiff ran; unused nodes are gone.
 *  Guarantees: an iteration reads no sum, so nothing else changes; a stack is added only where a product needs it.
 *  Not here:   that a stack may be a carry's own buffer (schedule/cut). */
import { buildLike, finishLike, type GraphBuild, renumbered, valueIn } from "../ir/graph/build.js"
import { isScan, isScanResult, resultTypes, scanParts, takeResult } from "../ir/graph/scan.js"
import type { Graph, Node, ValueId } from "../ir/graph/types.js"
import { intAttr, intsAttr } from "../ops/attrs.js"
import { opDef } from "../ops/index.js"
import type { LoopSum, Value } from "../ops/op.js"
import type { Pass } from "../pass.js"
import { bug } from "../source/bug.js"

export const afterLoops: Pass<Graph, Graph> = {
  name: "after-loops",
  summary: "compute after a loop the sums that its iterations only add to",
  run(graph) {
    if (!graph.nodes.some(isScan)) return graph
    const { g, values } = buildLike(graph)
    const rewritten = new Map<ValueId, Rewritten>()
    for (const node of graph.nodes) {
      const args = node.args.map((a) => valueIn(values, a))
      const moved = isScan(node) ? movable(node) : undefined
      const loop = isScanResult(node) ? rewritten.get(node.args[0]!) : undefined
      if (moved) {
        const made = withoutSums(g, node, args, moved)
        rewritten.set(node.id, made)
        values.set(node.id, made.loop)
      } else if (loop) values.set(node.id, loop.result(intAttr(node.attrs, "index")))
      else values.set(node.id, g.copy(node, args))
    }
    return finishLike(graph, g, values)
  },
}

/** How the sum over all iterations of a value of the region is computed after the loop. */
type Total =
  | { readonly kind: "linear"; readonly node: Node; readonly terms: readonly Total[] }
  | {
      readonly kind: "stacks"
      readonly node: Node
      readonly rule: StackRule
      readonly of: readonly Argument[]
    }
type StackRule = Exclude<LoopSum, string>
/** A value of the region that is stacked: an argument, or the matrix that the argument is the transpose of. */
interface Argument {
  readonly value: ValueId
  readonly isTransposed: boolean
}

/** By the number of the carry that is such a sum. */
type Sums = ReadonlyMap<number, Total>

function movable(node: Node): Sums | undefined {
  const s = scanParts(node)
  const nodes = new Map(s.region.nodes.map((n) => [n.id, n]))
  const uses = new Map<ValueId, number>()
  for (const id of [...s.region.nodes.flatMap((n) => n.args), ...s.region.outputs.map((o) => o.value)])
    uses.set(id, (uses.get(id) ?? 0) + 1)
  const captured = new Set(s.captures.map((c) => c.id))
  const found = new Map<number, Total>()
  s.carries.forEach((carry, i) => {
    const next = nodes.get(s.next[i]!.value)
    if (next?.op !== "add" || uses.get(carry.id) !== 1 || uses.get(next.id) !== 1) return
    const term = next.args.find((a) => a !== carry.id)
    const total =
      term !== undefined && next.args.includes(carry.id) ? totalOf(term, nodes, captured) : undefined
    if (total) found.set(i, total)
  })
  const stacked = new Set([...s.slices.map((i) => i.id), ...s.stacked.map((o) => o.value)])
  for (const total of found.values()) for (const id of worthStacking(total)) stacked.add(id)
  for (const [i, total] of found) if (!argumentsOf(total).every((id) => stacked.has(id))) found.delete(i)
  return found.size > 0 ? found : undefined
}

function totalOf(
  id: ValueId,
  nodes: ReadonlyMap<ValueId, Node>,
  captured: ReadonlySet<ValueId>,
): Total | undefined {
  const node = nodes.get(id)
  const rule = node && opDef(node.op).loopSum
  if (!node || rule === undefined) return undefined
  if (rule === "linear") {
    const terms = node.args.flatMap((arg) => totalOf(arg, nodes, captured) ?? [])
    return terms.length === node.args.length ? { kind: "linear", node, terms } : undefined
  }
  const of = node.args.map((arg) =>
    rule.isContraction ? untransposed(arg, nodes) : { value: arg, isTransposed: false },
  )
  if (!rule.accepts(node.type) || of.some(({ value }) => captured.has(value))) return undefined
  return { kind: "stacks", node, rule, of }
}

function untransposed(id: ValueId, nodes: ReadonlyMap<ValueId, Node>): Argument {
  const node = nodes.get(id)
  const isTransposed =
    node?.op === "transpose" && node.type.shape.length === 2 && intsAttr(node.attrs, "perm")[0] === 1
  return { value: isTransposed ? node.args[0]! : id, isTransposed }
}

const argumentsOf = (total: Total): readonly ValueId[] =>
  total.kind === "linear" ? total.terms.flatMap(argumentsOf) : total.of.map(({ value }) => value)
/** A stack for the sake of a plain sum alone would only cost memory. */
const worthStacking = (total: Total): readonly ValueId[] =>
  total.kind === "linear"
    ? total.terms.flatMap(worthStacking)
    : total.rule.isContraction
      ? argumentsOf(total)
      : []

interface Rewritten {
  readonly loop: Value
  /** The value that replaces the result of this old number. */
  readonly result: (index: number) => Value
}

function withoutSums(g: GraphBuild, node: Node, args: readonly Value[], sums: Sums): Rewritten {
  const s = scanParts(node)
  const isKept = (_: unknown, i: number): boolean => !sums.has(i)
  const carries = s.carries.filter(isKept)
  const wanted = [...sums.values()].flatMap(argumentsOf)
  const known = new Set([...s.slices.map((i) => i.id), ...s.stacked.map((o) => o.value)])
  const added = [...new Set(wanted)].filter((id) => !known.has(id))
  const stacked = [...s.stacked, ...added.map((value) => ({ name: `factor.${value}`, value }))]
  const region = {
    ...s.region,
    inputs: s.region.inputs.filter((i) => !s.carries.some((c, n) => c === i && sums.has(n))),
    outputs: [...s.next.filter(isKept), ...stacked],
  }
  const loop = g.at(node.origin).applyScan(
    args.filter((_, i) => i >= s.carries.length || isKept(_, i)),
    { iterations: s.iterations, carries: carries.length, slices: s.slices.length },
    renumbered(pruned(region)),
  )
  const types = resultTypes(g.node(loop) ?? bug("a scan is a node"))
  const taken = new Map<number, Value>()
  const result = (i: number): Value => {
    const known = taken.get(i) ?? takeResult(g, loop, i, types[i]!)
    taken.set(i, known)
    return known
  }
  const stackOf = (id: ValueId): Value => {
    const slice = s.slices.findIndex((i) => i.id === id)
    if (slice >= 0) return args[s.carries.length + slice]!
    return result(carries.length + stacked.findIndex((o) => o.value === id))
  }
  const numbers = [...s.carries.keys()].filter((i) => !sums.has(i))
  return {
    loop,
    result: (i) => {
      const total = sums.get(i)
      if (total) return plus(g.at(node.origin), args[i]!, built(g, total, stackOf))
      return result(i < s.carries.length ? numbers.indexOf(i) : i - sums.size)
    },
  }
}

/** A sum mostly starts at 0. */
function plus(g: GraphBuild, first: Value, total: Value): Value {
  const spread = g.node(first)
  const one = spread?.op === "broadcast" ? g.node(g.value(spread.args[0]!)) : spread
  return one?.op === "constant" && one.attrs["value"] === 0 ? total : g.apply("add", [first, total])
}

/** Without the nodes that only the sums needed. */
function pruned(region: Graph): Graph {
  const needed = new Set(region.outputs.map((o) => o.value))
  for (const n of region.nodes.toReversed()) if (needed.has(n.id)) n.args.forEach((a) => needed.add(a))
  return { ...region, nodes: region.nodes.filter((n) => needed.has(n.id)) }
}

function built(g: GraphBuild, total: Total, stackOf: (id: ValueId) => Value): Value {
  const { node } = total
  if (total.kind === "linear")
    return g.apply(
      node.op,
      total.terms.map((term) => built(g, term, stackOf)),
      node.attrs,
    )
  const stacks = total.of.map(({ value, isTransposed }) => ({ stack: stackOf(value), isTransposed }))
  return total.rule.build(stacks, node.attrs, g)
}
