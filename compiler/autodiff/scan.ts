/** autodiff: the gradient of a loop over time, which is a loop over time from its end.
 *  An iteration of it sees the values of the loop's own iteration (the carries, saved as a stack; the slices; the captured values) and
 *  the gradients at that iteration's results. It carries the gradients of the carries and the sums for the captured values, and stacks
 *  the gradients of the slices. It reads the contractions of the iteration from stacks (products.ts) and computes its other
 *  intermediate values again. The result is a scan, so it can be differentiated again. */
import { GraphBuild, renumbered, valueIn } from "../ir/graph/build.js"
import { isScan, resultTypes, scanParts, takeResult, typeIn, type ScanParts } from "../ir/graph/scan.js"
import type { Graph, Node, ValueId } from "../ir/graph/types.js"
import { isFloat, scalarType } from "../ir/tensor.js"
import type { Value } from "../ops/op.js"
import { bug } from "../source/bug.js"
import { productsOf } from "./products.js"
import { pullBack, type Contribution, type WalkContext } from "./walk.js"

/** The scan with more stacks: of each carry, its value at the start of every iteration, and of the products, unless memory is scarce.
 *  Stacks that nobody reads are dropped later. */
export function savingStacks(node: Node, cx: WalkContext): Node {
  if (!isScan(node)) return node
  const s = scanParts(node)
  const saved = [
    ...s.carries.map((c) => ({ name: `saved.${c.name}`, value: c.id })),
    ...(cx.isMemoryScarce ? [] : productsOf(s).map((value) => ({ name: `product.${value}`, value }))),
  ]
  const missing = saved.filter(({ value }) => !s.stacked.some((o) => o.value === value))
  return { ...node, regions: [{ ...s.region, outputs: [...s.region.outputs, ...missing] }] }
}

/** The gradients that flow from the results of a scan into its active arguments. */
export function scanContributions(
  g: GraphBuild,
  node: Node,
  atResults: ReadonlyMap<number, Value>,
  active: ReadonlySet<ValueId>,
  cx: WalkContext,
): Contribution[] {
  const s = scanParts(node)
  const loop = g.value(node.id)
  const types = resultTypes(node)
  const reversed = (x: Value): Value => g.apply("flip", [x], { axes: [0] })
  const saved = (id: ValueId): Value => {
    const index = s.stacked.findIndex((o) => o.value === id)
    if (index < 0) bug(`%${id} of an iteration is not saved`)
    return reversed(takeResult(g, loop, s.carries.length + index, types[s.carries.length + index]!))
  }
  const walked = reverseRegion(s, atResults, active, cx)
  const zero = (id: ValueId): Value => g.full(0, g.value(id).type)
  const first = walked.carries.map((i) => atResults.get(i) ?? zero(s.first[i]!))
  const sums = walked.captures.map((i) => zero(s.captured[i]!))
  const sequences = [
    ...s.carries.map((c) => saved(c.id)),
    ...s.sequences.map((id) => reversed(g.value(id))),
    ...walked.products.map(saved),
    ...walked.stacks.map((i) => reversed(atResults.get(i)!)),
  ]
  const captured = s.captured.map((id) => g.value(id))
  const made = g.applyScan(
    [...first, ...sums, ...sequences, ...captured],
    { iterations: s.iterations, carries: first.length + sums.length, slices: sequences.length },
    walked.region,
  )
  const back = g.node(made) ?? bug("a scan is a node")
  const backTypes = resultTypes(back)
  const result = (i: number): Value => takeResult(g, made, i, backTypes[i]!)
  const stacksFrom = first.length + sums.length
  return [
    ...walked.carries.map((i, n): Contribution => [s.first[i]!, result(n)]),
    ...walked.captures.map((i, n): Contribution => [s.captured[i]!, result(first.length + n)]),
    ...walked.slices.map((i, n): Contribution => [s.sequences[i]!, reversed(result(stacksFrom + n))]),
  ].filter(([id]) => active.has(id))
}

interface ReverseRegion {
  readonly region: Graph
  /** By number: the carries with a gradient, the stacks that a gradient reaches, and the captured values and slices
   *  that get one. */
  readonly carries: readonly number[]
  readonly captures: readonly number[]
  readonly slices: readonly number[]
  readonly stacks: readonly number[]
  /** Values of the loop's region that are read from stacks. */
  readonly products: readonly ValueId[]
}

/** One iteration backwards. */
function reverseRegion(
  s: ScanParts,
  atResults: ReadonlyMap<number, Value>,
  active: ReadonlySet<ValueId>,
  cx: WalkContext,
): ReverseRegion {
  const g = new GraphBuild(`${s.region.name}.back`)
  const name = namer()
  const floats = range(s.carries.length).filter((i) => isFloat(s.carries[i]!.type.dtype))
  const stacks = range(s.stacked.length)
    .map((i) => s.carries.length + i)
    .filter((i) => atResults.has(i))
  const gradients = floats.map((i) => g.input(name(`d_${s.carries[i]!.name}`), s.carries[i]!.type))
  const values = new Map<ValueId, Value>()
  const inputs = [...s.carries, ...s.slices].map((i) => {
    const value = g.input(name(i.name), i.type)
    values.set(i.id, value)
    return value
  })
  const products = productsOf(s).filter((id) => s.stacked.some((o) => o.value === id))
  const read = products.map((id) => g.input(name(`product.${id}`), typeIn(s.region, id)))
  const reaching = stacks.map((i) => {
    const output = s.stacked[i - s.carries.length]!
    return { output, value: g.input(name(`d_${output.name}`), typeIn(s.region, output.value)) }
  })
  for (const i of s.captures) values.set(i.id, g.input(name(i.name), i.type))
  if (s.iteration !== undefined) {
    const iteration = g.input(name("iteration"), scalarType("i32"), { kind: "scalar", scalar: "iteration" })
    values.set(s.iteration.id, g.apply("sub", [g.constant(s.iterations - 1, "i32"), iteration]))
  }
  for (const node of s.region.nodes)
    values.set(
      node.id,
      g.copy(
        savingStacks(node, cx),
        node.args.map((a) => valueIn(values, a)),
      ),
    )
  const seeds: Contribution[] = [
    ...floats.map((i, n): Contribution => [valueIn(values, s.next[i]!.value).id, gradients[n]!]),
    ...reaching.map(({ output, value }): Contribution => [valueIn(values, output.value).id, value]),
  ]
  const wantedSlices = range(s.slices.length).filter((i) => active.has(s.sequences[i]!))
  const wantedCaptures = range(s.captures.length).filter((i) => active.has(s.captured[i]!))
  const slices = inputs.slice(s.carries.length)
  const targets = [
    ...floats.map((i) => inputs[i]!),
    ...wantedSlices.map((i) => slices[i]!),
    ...wantedCaptures.map((i) => valueIn(values, s.captures[i]!.id)),
  ]
  const found = pullBack(g, seeds, targets, cx)
  const captures = wantedCaptures.filter((i) => found.has(valueIn(values, s.captures[i]!.id).id))
  const sums = captures.map((i) => g.input(name(`d_${s.captures[i]!.name}`), s.captures[i]!.type))
  const at = (x: Value): Value => found.get(x.id) ?? g.full(0, x.type)

  const outputs = [
    ...floats.map((i) => at(inputs[i]!)),
    ...captures.map((i, n) => g.apply("add", [sums[n]!, at(valueIn(values, s.captures[i]!.id))])),
    ...wantedSlices.map((i) => at(slices[i]!)),
    ...gradients,
    ...sums,
  ]
  outputs.forEach((value, i) => g.output(`out.${i}`, value))
  // The sums were found last and are carried: they come before the slices.
  // Gradients flow through the nodes of the products; who reads their values reads the stacks.
  const stackOf = new Map(products.map((id, i) => [valueIn(values, id).id, read[i]!.id]))
  const graph = reading(g.finish(), stackOf)
  const carried = new Set([...gradients, ...sums].map((v) => v.id))
  const ordered = [
    ...graph.inputs.filter((i) => carried.has(i.id)),
    ...graph.inputs.filter((i) => !carried.has(i.id)),
  ]
  return {
    region: renumbered({ ...graph, inputs: ordered }),
    carries: floats,
    captures,
    slices: wantedSlices,
    stacks,
    products,
  }
}

/** The graph with other values in place of some. */
function reading(graph: Graph, instead: ReadonlyMap<ValueId, ValueId>): Graph {
  const read = (id: ValueId): ValueId => instead.get(id) ?? id
  return {
    ...graph,
    nodes: graph.nodes.map((n) => ({ ...n, args: n.args.map(read) })),
    outputs: graph.outputs.map((o) => ({ ...o, value: read(o.value) })),
  }
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

/** Names, with a number where one is taken. */
function namer(): (wanted: string) => string {
  const taken = new Set<string>()
  return (wanted) => {
    let name = wanted
    for (let i = 1; taken.has(name); i++) name = `${wanted}.${i}`
    taken.add(name)
    return name
  }
}
