/** test: a graph with values for everything it reads, what it must give by the float64 interpreter, and where a run differs. */
import { evalValues, type EvalResult } from "../../compiler/ir/graph/eval.js"
import type { Graph, Input, StateSlot } from "../../compiler/ir/graph/types.js"
import type { DeviceArray, KernelRun } from "../../compiler/ir/kernels/eval.js"
import type { DimValues } from "../../compiler/ir/tensor.js"
import type { NdArray } from "../../compiler/ops/op.js"
import { deviceArray } from "../../compiler/validate/validate.js"
import { SCALARS } from "../../compiler/validate/values.js"

/** Whatever a run is given: run-time scalars aside, inputs and then slots. */
export const sourcesOf = (graph: Graph): (Input | StateSlot)[] => [
  ...graph.inputs.filter((i) => i.source.kind !== "scalar"),
  ...graph.state,
]

export interface Trial {
  readonly graph: Graph
  readonly expected: EvalResult
  /** The size of the largest number on the way; NaN when one of them is. */
  readonly largest: number
  /** A run of its own each time: slots are updated in place. */
  start(): KernelRun
}

/** `values` are those of `sourcesOf(graph)`. The oracle sees what a device sees: numbers rounded to f32. */
export function trialOf(graph: Graph, values: readonly NdArray[], dims: DimValues): Trial {
  const sources = sourcesOf(graph)
  const rounded = values.map((v, i): NdArray => {
    return { shape: v.shape, data: Float64Array.from(deviceArray(v.data, sources[i]!.type.dtype)) }
  })
  const inputs = sources.length - graph.state.length
  const named = (from: number, to: number): Record<string, NdArray> =>
    Object.fromEntries(sources.slice(from, to).map((s, i) => [s.name, rounded[from + i]!]))
  const given = { inputs: named(0, inputs), state: named(inputs, sources.length), dims, scalars: SCALARS }
  const found = evalValues(graph, given)
  const slots = new Map(graph.state.map((s) => [s.id, s.name]))
  return {
    graph,
    expected: {
      outputs: Object.fromEntries(graph.outputs.map((o) => [o.name, found.get(o.value)!])),
      updates: Object.fromEntries(graph.updates.map((u) => [slots.get(u.slot)!, found.get(u.value)!])),
    },
    largest: graph.nodes.reduce(
      (m, { id }) => found.get(id)!.data.reduce((n, v) => Math.max(n, Math.abs(v)), m),
      0,
    ),
    start: () => ({
      dims,
      scalars: SCALARS,
      buffers: new Map(sources.map((s, i) => [s.name, deviceArray(values[i]!.data, s.type.dtype)])),
    }),
  }
}

/** Where the outputs of a run, and the slots after it, are not what they must be: the first element of each. */
export function wrongResults(
  { graph, expected }: Trial,
  outputs: ReadonlyMap<string, DeviceArray>,
  { buffers }: KernelRun,
  tolerance: number,
): string[] {
  const compare = (name: string, want: NdArray, got: DeviceArray | undefined): string[] => {
    if (got?.length !== want.data.length) return [`${name}: ${got?.length} elements`]
    const size = want.data.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 1)
    for (let n = 0; n < got.length; n++) {
      // What f32 cannot hold is infinite on a device.
      const exact = [want.data[n], Math.fround(want.data[n]!)].some((v) => Object.is(got[n], v))
      const close = exact || Math.abs(got[n]! - want.data[n]!) <= tolerance * size
      if (!close) return [`${name}[${n}] is ${got[n]}, should be ${want.data[n]}`]
    }
    return []
  }
  const slots = new Map(graph.state.map((s) => [s.id, s.name]))
  const updated = graph.updates.map((u) => slots.get(u.slot)!)
  return [
    ...graph.outputs.flatMap((o) => compare(o.name, expected.outputs[o.name]!, outputs.get(o.name))),
    ...updated.flatMap((name) => compare(name, expected.updates[name]!, buffers.get(name))),
  ]
}
