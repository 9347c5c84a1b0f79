/** optimize/after-loops: a sum that a loop only carries along, of products of what its iterations have, becomes one product of stacks after
 *  the loop: the gradient of a recurrent weight is then one contraction over all iterations instead of a small one in each.
 *      sum over t of a[t] @ b[t]  =  [a[0] a[1] ...] @ [b[0]; b[1]; ...]
 *  Graph -> Graph
 *  Assumes:    autodiff ran; what nobody needs is gone.
 *  Guarantees: an iteration reads no sum, so nothing else changes; a stack is added only where a product needs it.
 *  Not here:   that a stack may be a carry's own buffer (schedule/cut). */
import { buildLike, finishLike, type GraphBuild, renumbered, valueIn } from "../ir/graph/build.js"
import { isScan, isScanResult, resultTypes, scanParts, takeResult } from "../ir/graph/scan.js"
import type { Graph, Node, ValueId } from "../ir/graph/types.js"
import { mulDim } from "../ir/tensor.js"
import { intAttr, intsAttr } from "../ops/attrs.js"
import type { Value } from "../ops/op.js"
import type { Pass } from "../pass.js"
import { bug } from "../source/bug.js"

export const afterLoops: Pass<Graph, Graph> = {
  name: "after-loops",
  summary: "sum after a loop what its turns only add up",
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

/** How the sum over all iterations of a value of the region is computed outside. */
type Total =
  | { readonly kind: "add"; readonly terms: readonly [Total, Total] }
  | { readonly kind: "view"; readonly node: Node; readonly of: Total }
  | { readonly kind: "sum"; readonly node: Node; readonly of: ValueId }
  | { readonly kind: "matmul"; readonly left: Factor; readonly right: Factor }
/** A factor of a product in the region, or the matrix that it is the transpose of: what is stacked. */
interface Factor {
  readonly of: ValueId
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
  // A stack for the sake of a plain sum alone would only cost memory.
  const stacked = new Set([...s.slices.map((i) => i.id), ...s.stacked.map((o) => o.value)])
  for (const total of found.values()) for (const id of factors(total)) stacked.add(id)
  for (const [i, total] of found) if (!summed(total).every((id) => stacked.has(id))) found.delete(i)
  return found.size > 0 ? found : undefined
}

function totalOf(
  id: ValueId,
  nodes: ReadonlyMap<ValueId, Node>,
  captured: ReadonlySet<ValueId>,
): Total | undefined {
  const node = nodes.get(id)
  const [a, b] = node?.args ?? []
  if (!node || a === undefined) return undefined
  const under = (arg: ValueId): Total | undefined => totalOf(arg, nodes, captured)
  switch (node.op) {
    case "add": {
      const [left, right] = [under(a), under(b!)]
      return left && right && { kind: "add", terms: [left, right] }
    }
    case "transpose":
    case "reshape": {
      const of = under(a)
      return of && { kind: "view", node, of }
    }
    case "sum":
      return captured.has(a) ? undefined : { kind: "sum", node, of: a }
    case "matmul": {
      const [left, right] = [factorOf(a, nodes), factorOf(b!, nodes)]
      if (node.type.shape.length !== 2 || captured.has(left.of) || captured.has(right.of)) return undefined
      return { kind: "matmul", left, right }
    }
    default:
      return undefined
  }
}

function factorOf(id: ValueId, nodes: ReadonlyMap<ValueId, Node>): Factor {
  const node = nodes.get(id)
  const isTransposed =
    node?.op === "transpose" && node.type.shape.length === 2 && intsAttr(node.attrs, "perm")[0] === 1
  return { of: isTransposed ? node.args[0]! : id, isTransposed }
}

const parts = (total: Total): readonly Total[] =>
  total.kind === "add" ? total.terms : total.kind === "view" ? [total.of] : []
const factors = (total: Total): readonly ValueId[] =>
  total.kind === "matmul" ? [total.left.of, total.right.of] : parts(total).flatMap(factors)
const summed = (total: Total): readonly ValueId[] =>
  total.kind === "sum" ? [total.of] : parts(total).flatMap(summed)

interface Rewritten {
  readonly loop: Value
  /** What the result of the old number is now. */
  readonly result: (index: number) => Value
}

function withoutSums(g: GraphBuild, node: Node, args: readonly Value[], sums: Sums): Rewritten {
  const s = scanParts(node)
  const isKept = (_: unknown, i: number): boolean => !sums.has(i)
  const carries = s.carries.filter(isKept)
  const wanted = [...sums.values()].flatMap((t) => [...factors(t), ...summed(t)])
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
  switch (total.kind) {
    case "add":
      return g.apply(
        "add",
        total.terms.map((t) => built(g, t, stackOf)),
      )
    case "view":
      return g.apply(total.node.op, [built(g, total.of, stackOf)], total.node.attrs)
    case "sum": {
      const axes = intsAttr(total.node.attrs, "axes")
      const iterations = g.apply("sum", [stackOf(total.of)], { axes: [0], keepdim: false })
      return axes.length === 0 ? iterations : g.apply("sum", [iterations], total.node.attrs)
    }
    case "matmul": {
      // All turns one after another along the axis that is summed over.
      const left = joined(g, stackOf(total.left.of), total.left.isTransposed ? 0 : 1)
      const right = joined(g, stackOf(total.right.of), total.right.isTransposed ? 1 : 0)
      const first = total.left.isTransposed ? g.apply("transpose", [left], { perm: [1, 0] }) : left
      const second = total.right.isTransposed ? g.apply("transpose", [right], { perm: [1, 0] }) : right
      return g.apply("matmul", [first, second])
    }
  }
}

/** A stack of matrices as one, the turns one after another along this axis of theirs. */
function joined(g: GraphBuild, stack: Value, axis: 0 | 1): Value {
  const [iterations, rows, columns] = stack.type.shape
  if (axis === 0) return g.apply("reshape", [stack], { shape: [mulDim(iterations!, rows!), columns!] })
  const beside = g.apply("transpose", [stack], { perm: [1, 0, 2] })
  return g.apply("reshape", [beside], { shape: [rows!, mulDim(iterations!, columns!)] })
}
