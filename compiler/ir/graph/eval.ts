/** ir/graph: the oracle: runs a graph in double precision, one op after another, with each op's own `eval`.
 *  Obvious and unhurried; every optimisation and every backend is compared with it.
 *  Not here:   `grad` (autodiff expands it first). */
import { opDef } from "../../ops/index.js"
import type { EvalContext, NdArray } from "../../ops/op.js"
import { bug } from "../../source/bug.js"
import { evalShape, printType } from "../tensor.js"
import type { DimValues } from "../tensor.js"
import type { Graph, ValueId } from "./types.js"

export interface EvalInputs {
  /** By name; run-time scalars come from `scalars`. */
  readonly inputs?: Readonly<Record<string, NdArray>>
  /** By the slot's name. */
  readonly state?: Readonly<Record<string, NdArray>>
  readonly dims?: Partial<DimValues>
  readonly scalars?: Partial<EvalContext["scalars"]>
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
  const scalars: EvalContext["scalars"] = { step: 0, epoch: 0, seed: 0, start: 0, ...given.scalars }
  const values = new Map<ValueId, NdArray>()
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
    const result = opDef(node.op).eval(args, node.attrs, { type: node.type, dims, scalars })
    values.set(node.id, ofShape(result, evalShape(node.type.shape, dims), `%${node.id} = ${node.op}`))
  }
  return values
}

function ofShape(array: NdArray, shape: readonly number[], what: string): NdArray {
  const fits = array.shape.length === shape.length && array.shape.every((d, i) => d === shape[i])
  return fits
    ? array
    : bug(
        `${what} has shape [${array.shape.join(", ")}] where ${printType({ dtype: "f32", shape })} is declared`,
      )
}
