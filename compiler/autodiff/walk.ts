/** autodiff: the reverse walk: gradients at some values of a graph -> gradients at others.
 *  Algorithm:  mark the nodes that depend on the wanted values through floats; walk back over them, asking each operation for
 *              its rule and adding up the gradients that reach each value.
 *  Not here:   which gradients are wanted (backward.ts), how a loop is walked (scan.ts). */
import type { GraphBuild } from "../ir/graph/build.js"
import { isScan, isScanResult } from "../ir/graph/scan.js"
import type { Node, ValueId } from "../ir/graph/types.js"
import { isFloat, printType, sameType } from "../ir/tensor.js"
import { intAttr } from "../ops/attrs.js"
import { opDef } from "../ops/index.js"
import type { Value } from "../ops/op.js"
import type { PassContext } from "../pass.js"
import { bug } from "../source/bug.js"
import { noGradient } from "./errors.js"
import { scanContributions } from "./scan.js"

export interface WalkContext extends Pick<PassContext, "diagnostics" | "locate"> {
  /** Loops keep nothing but their carries. */
  readonly isMemoryScarce?: boolean
}
export type Contribution = readonly [ValueId, Value]

/** The gradient for those of `xs` that something in `seeds` depends on, given the gradients there. */
export function pullBack(
  g: GraphBuild,
  seeds: readonly Contribution[],
  xs: readonly Value[],
  cx: WalkContext,
): ReadonlyMap<ValueId, Value> {
  const forward = g.built.slice()
  const active = dependents(forward, xs)
  const adjoints = new Map<ValueId, Value>()
  /** The gradients that reach the results of a scan, by the number of the result. */
  const atResults = new Map<ValueId, Map<number, Value>>()
  const add = ([id, value]: Contribution): void => {
    const before = adjoints.get(id)
    adjoints.set(id, before === undefined ? value : g.binary("add", before, value))
  }
  for (const seed of seeds) if (active.has(seed[0])) add(seed)
  for (const node of forward.toReversed()) {
    if (!node.args.some((a) => active.has(a))) continue
    g.at({ ...node.origin, by: "autodiff" })
    if (isScan(node)) {
      const found = atResults.get(node.id)
      if (found !== undefined) scanContributions(g, node, found, active, cx).forEach(add)
      continue
    }
    const dy = adjoints.get(node.id)
    if (dy === undefined) continue
    if (isScanResult(node)) {
      const loop = node.args[0]!
      const results = atResults.get(loop) ?? new Map<number, Value>()
      atResults.set(loop, results)
      const index = intAttr(node.attrs, "index")
      const before = results.get(index)
      results.set(index, before === undefined ? dy : g.binary("add", before, dy))
    } else contributions(g, node, dy, active, cx).forEach(add)
  }
  return adjoints
}

/** All values that change, in float, with one of `xs`: these and the values computed from them. */
export function dependents(nodes: readonly Node[], xs: readonly Value[]): ReadonlySet<ValueId> {
  const active = new Set(xs.map((x) => x.id))
  for (const node of nodes)
    if ((isFloat(node.type.dtype) || isScan(node)) && node.args.some((a) => active.has(a)))
      active.add(node.id)
  return active
}

/** The gradients that flow from one node into its active arguments. */
function contributions(
  g: GraphBuild,
  node: Node,
  dy: Value,
  active: ReadonlySet<ValueId>,
  cx: WalkContext,
): Contribution[] {
  const rule = opDef(node.op).grad
  if ("none" in rule) {
    cx.diagnostics.add(noGradient(node, rule.none, cx.locate(node.origin)))
    return []
  }
  const args = node.args.map((a) => g.value(a))
  const needs = (i: number): boolean => active.has(node.args[i]!)
  const found = rule({ args, out: g.value(node.id), dy, attrs: node.attrs, needs }, g)
  return found.flatMap((value, i): Contribution[] => {
    if (value === null || !needs(i)) return []
    const arg = args[i]!
    if (!sameType(value.type, arg.type))
      bug(
        `the gradient rule of ${node.op} gives ${printType(value.type)} for argument ${i}, which is ${printType(arg.type)}`,
      )
    return [[arg.id, value]]
  })
}
