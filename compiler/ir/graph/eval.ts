/** ir/graph: the oracle: runs a graph in double precision, one op after another, with each op's own `eval`.
 *  Obvious and unhurried; every optimisation and every backend is compared with it.
 *  Not here:   `grad` (autodiff expands it first). */
import { intAttr } from "../../ops/attrs.js"
import { opDef } from "../../ops/index.js"
import type { EvalContext, NdArray } from "../../ops/op.js"
import { bug } from "../../source/bug.js"
import { evalShape, printType } from "../tensor.js"
import type { DimValues } from "../tensor.js"
import { isScan, isScanResult, scanParts } from "./scan.js"
import type { Graph, Node, ValueId } from "./types.js"

export interface EvalInputs {
  /** By name; run-time scalars come from `scalars`. */
  readonly inputs?: Readonly<Record<string, NdArray>>
  /** By the slot's name. */
  readonly state?: Readonly<Record<string, NdArray>>
  readonly dims?: Partial<DimValues>
  readonly scalars?: Partial<EvalContext["scalars"]>
  /** Changes a node's value before any other node reads it, for instance to round it as a device does. `again`: the same operation of other
   *  arguments. */
  readonly held?: (
    node: Node,
    value: NdArray,
    args: readonly NdArray[],
    again: (args: readonly NdArray[]) => NdArray,
  ) => NdArray
}
export interface EvalResult {
  readonly outputs: Readonly<Record<string, NdArray>>
  /** New values by the slot's name. */
  readonly updates: Readonly<Record<string, NdArray>>
}

export function evalGraph(graph: Graph, given: EvalInputs): EvalResult {
  const values = evalValues(graph, given)
  const value = (id: ValueId): NdArray => values.get(id) ?? bug(`%${id} has no value`)
  const slotName = new Map(graph.state.map((s) => [s.id, s.name]))
  return {
    outputs: Object.fromEntries(graph.outputs.map((o) => [o.name, value(o.value)])),
    updates: Object.fromEntries(graph.updates.map((u) => [slotName.get(u.slot)!, value(u.value)])),
  }
}

/** Every value of the graph by id, for tests that look inside. */
export function evalValues(graph: Graph, given: EvalInputs): ReadonlyMap<ValueId, NdArray> {
  const dims: DimValues = { B: 1, R: 1, ...given.dims }
  const scalars: EvalContext["scalars"] = {
    step: 0,
    epoch: 0,
    seed: 0,
    start: 0,
    iteration: 0,
    ...given.scalars,
  }
  const values = new Map<ValueId, NdArray>()
  const scans = new Map<ValueId, readonly NdArray[]>()
  for (const i of graph.inputs) {
    if (i.source.kind === "scalar") {
      values.set(i.id, { shape: [], data: Float64Array.of(scalars[i.source.scalar]) })
      continue
    }
    const array = given.inputs?.[i.name] ?? bug(`input ${i.name} is not given`)
    values.set(i.id, ofShape(array, evalShape(i.type.shape, dims), i.name))
  }
  for (const s of graph.state) {
    const array = given.state?.[s.name] ?? bug(`slot ${s.name} is not given`)
    values.set(s.id, ofShape(array, evalShape(s.type.shape, dims), s.name))
  }
  for (const node of graph.nodes) {
    const args = node.args.map((a) => values.get(a) ?? bug(`%${a} has no value`))
    if (isScan(node)) scans.set(node.id, evalScan(node, args, { ...given, dims, scalars }))
    if (isScan(node) || isScanResult(node)) {
      values.set(
        node.id,
        isScan(node)
          ? { shape: [], data: Float64Array.of(scanParts(node).iterations) }
          : resultOf(node, scans),
      )
      continue
    }
    const run = (of: readonly NdArray[]): NdArray => {
      const result = opDef(node.op).eval(of, node.attrs, { type: node.type, dims, scalars })
      return ofShape(result, evalShape(node.type.shape, dims), `%${node.id} = ${node.op}`)
    }
    const result = run(args)
    values.set(node.id, given.held?.(node, result, args, run) ?? result)
  }
  return values
}

/** All results of a scan: its region, iteration by iteration. */
function evalScan(node: Node, args: readonly NdArray[], around: EvalInputs): readonly NdArray[] {
  const s = scanParts(node)
  let carried = args.slice(0, s.carries.length)
  const sequences = args.slice(s.carries.length, s.carries.length + s.slices.length)
  const captured = args.slice(s.carries.length + s.slices.length)
  const stacks: NdArray[][] = s.stacked.map(() => [])
  for (let iteration = 0; iteration < s.iterations; iteration++) {
    const given = [...carried, ...sequences.map((x) => rowOf(x, iteration)), ...captured]
    const names = [...s.carries, ...s.slices, ...s.captures].map((i) => i.name)
    const inputs = Object.fromEntries(names.map((name, i) => [name, given[i]!]))
    const scalars = { ...around.scalars, iteration }
    const { outputs } = evalGraph(s.region, { ...around, inputs, scalars })
    carried = s.next.map((o) => outputs[o.name]!)
    s.stacked.forEach((o, i) => stacks[i]!.push(outputs[o.name]!))
  }
  return [...carried, ...stacks.map(stack)]
}

/** x[row] */
function rowOf(x: NdArray, row: number): NdArray {
  const shape = x.shape.slice(1)
  const size = shape.reduce((n, d) => n * d, 1)
  return { shape, data: x.data.slice(row * size, (row + 1) * size) }
}
function stack(rows: readonly NdArray[]): NdArray {
  const size = rows[0]!.data.length
  const data = new Float64Array(rows.length * size)
  rows.forEach((r, i) => data.set(r.data, i * size))
  return { shape: [rows.length, ...rows[0]!.shape], data }
}
const resultOf = (node: Node, scans: ReadonlyMap<ValueId, readonly NdArray[]>): NdArray =>
  scans.get(node.args[0]!)?.[intAttr(node.attrs, "index")] ?? bug(`%${node.id} is no result of a scan`)

function ofShape(array: NdArray, shape: readonly number[], what: string): NdArray {
  const fits = array.shape.length === shape.length && array.shape.every((d, i) => d === shape[i])
  return fits
    ? array
    : bug(
        `${what} has shape [${array.shape.join(", ")}] where ${printType({ dtype: "f32", shape })} is declared`,
      )
}
