/** ir/graph: how a `scan` node and its region correspond.
 *  The region's inputs, in the order of the node's arguments: carries, slices, captured values; beside them it may have the
 *  run-time scalar `iteration`. Its outputs: the next value of each carry, then the values to be stacked. The node's results: the last value of
 *  each carry, then each stack, one iteration after another along a new first axis. */
import { intAttr } from "../../ops/attrs.js"
import { opDef } from "../../ops/index.js"
import type { GraphBuilder, Value } from "../../ops/op.js"
import { scan, scanResult } from "../../ops/scan.js"
import { bug } from "../../source/bug.js"
import { printType, sameType, tensorType, type TensorType } from "../tensor.js"
import type { Graph, Input, Node, Output, ValueId } from "./types.js"

export const isScan = (node: Pick<Node, "op">): boolean => opDef(node.op) === scan
export const isScanResult = (node: Pick<Node, "op">): boolean => opDef(node.op) === scanResult

export interface ScanParts {
  readonly iterations: number
  readonly region: Graph
  readonly carries: readonly Input[]
  readonly slices: readonly Input[]
  readonly captures: readonly Input[]
  /** The number of the iteration, where the region looks at it. */
  readonly iteration: Input | undefined
  /** The node's arguments: carries, slices and captures. */
  readonly first: readonly ValueId[]
  readonly sequences: readonly ValueId[]
  readonly captured: readonly ValueId[]
  readonly next: readonly Output[]
  readonly stacked: readonly Output[]
}

export function scanParts(node: Node): ScanParts {
  const region = node.regions?.[0] ?? bug(`scan %${node.id} has no region`)
  const carries = intAttr(node.attrs, "carries")
  const cut = carries + intAttr(node.attrs, "slices")
  const inputs = region.inputs.filter((i) => i.source.kind !== "scalar")
  return {
    iterations: intAttr(node.attrs, "iterations"),
    region,
    carries: inputs.slice(0, carries),
    slices: inputs.slice(carries, cut),
    captures: inputs.slice(cut),
    iteration: region.inputs.find((i) => i.source.kind === "scalar" && i.source.scalar === "iteration"),
    first: node.args.slice(0, carries),
    sequences: node.args.slice(carries, cut),
    captured: node.args.slice(cut),
    next: region.outputs.slice(0, carries),
    stacked: region.outputs.slice(carries),
  }
}

/** The type of each result. */
export function resultTypes(node: Node): readonly TensorType[] {
  const { iterations, region, carries, stacked } = scanParts(node)
  return [
    ...carries.map((c) => c.type),
    ...stacked.map((o) => {
      const { dtype, shape } = typeIn(region, o.value)
      return tensorType(dtype, [iterations, ...shape])
    }),
  ]
}

export function typeIn(graph: Graph, id: ValueId): TensorType {
  const found = [...graph.inputs, ...graph.state, ...graph.nodes].find((v) => v.id === id)
  return found?.type ?? bug(`graph ${graph.name} has no value %${id}`)
}

/** Whether a node costs so little that each of its uses may compute it again: views, constants, scalars. */
export function isCheap(node: Node): boolean {
  const { kind } = opDef(node.op).traits
  // A random draw is a source with arguments: every iteration would draw it again.
  if (kind === "source") return node.args.length === 0
  return kind === "view" || (kind === "pointwise" && node.type.shape.length === 0)
}

/** Takes result number `index` out of a scan. */
export const takeResult = (g: GraphBuilder, loop: Value, index: number, type: TensorType): Value =>
  g.apply("scan_result", [loop], { index, dtype: type.dtype, shape: type.shape })

/** The ways in which a scan and its well-formed region disagree. */
export function wrongScan(node: Node, types: readonly TensorType[]): string[] {
  if (node.regions?.length !== 1) return ["a scan has one region"]
  const s = scanParts(node)
  const out: string[] = []
  const inputs = [...s.carries, ...s.slices, ...s.captures]
  if (inputs.length !== types.length)
    out.push(`${types.length} arguments for ${inputs.length} inputs of the region`)
  if (s.region.state.length > 0 || s.region.updates.length > 0) out.push("a region has no slots of its own")
  inputs.forEach((input, i) => {
    const given = types[i]
    if (given === undefined) return
    const cut = i >= s.carries.length && i < s.carries.length + s.slices.length
    const seen = cut ? tensorType(given.dtype, given.shape.slice(1)) : given
    if (!sameType(seen, input.type))
      out.push(`${input.name} is ${printType(input.type)}, given ${printType(seen)}`)
  })
  s.carries.forEach((c, i) => {
    const next = s.next[i]
    if (next === undefined) out.push(`${c.name} has no next value`)
    else if (!sameType(typeIn(s.region, next.value), c.type))
      out.push(`${c.name} is ${printType(c.type)}, next ${printType(typeIn(s.region, next.value))}`)
  })
  return out
}

/** The faults of a result of the scan `loop`. */
export function wrongScanResult(node: Node, loop: Node | undefined): string[] {
  if (loop === undefined || !isScan(loop)) return ["a scan_result takes a scan"]
  const index = intAttr(node.attrs, "index")
  const type = resultTypes(loop)[index]
  if (type === undefined) return [`its scan has no result ${index}`]
  return sameType(type, node.type)
    ? []
    : [`result ${index} is ${printType(type)}, not ${printType(node.type)}`]
}
