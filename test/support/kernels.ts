/** test: a graph scheduled and run by the kernel evaluator, against the graph evaluator. */
import { evalGraph } from "../../compiler/ir/graph/eval.js"
import type { Graph, Input, StateSlot } from "../../compiler/ir/graph/types.js"
import { type DeviceArray, evalKernels } from "../../compiler/ir/kernels/eval.js"
import { parseKernelProgram } from "../../compiler/ir/kernels/parse.js"
import { printKernelProgram } from "../../compiler/ir/kernels/text.js"
import type { KernelProgram } from "../../compiler/ir/kernels/types.js"
import { verifyKernels } from "../../compiler/ir/kernels/verify.js"
import { type DimValues, type DType } from "../../compiler/ir/tensor.js"
import type { NdArray, Sample } from "../../compiler/ops/op.js"
import { cut, fuse, order, pack, parseGroups, printGroups, schedule } from "../../compiler/schedule/index.js"
import type { GroupedGraph } from "../../compiler/schedule/index.js"
import type { PassContext } from "../../compiler/pass.js"
import { Diagnostics } from "../../compiler/source/diagnostic.js"
import { DEFAULT_TARGET, type TargetProfile } from "../../compiler/target.js"
import { randomArgs } from "./gradcheck.js"

export const GPU: TargetProfile = DEFAULT_TARGET
export const SOFTWARE: TargetProfile = { ...DEFAULT_TARGET, name: "software", deviceClass: "software" }

const context = (target: TargetProfile): PassContext => ({
  diagnostics: new Diagnostics(),
  target,
  remark: () => {},
  locate: () => undefined,
})
export const grouped = (graph: Graph, target: TargetProfile = SOFTWARE): GroupedGraph =>
  order.run(pack.run(fuse.run(graph, context(target)), context(target)), context(target))
export const scheduled = (graph: Graph, target: TargetProfile = SOFTWARE): KernelProgram =>
  schedule(graph, context(target))

const SCALARS = { step: 3, epoch: 1, seed: 1234567, start: 0 } as const

const device = (data: ArrayLike<number>, dtype: DType): DeviceArray =>
  dtype === "i32"
    ? Int32Array.from(data)
    : dtype === "f32" || dtype === "f16"
      ? Float32Array.from(data)
      : Uint32Array.from(data)

/** Second moments are not negative. */
function rangeOf(
  s: Input | StateSlot,
  integers?: readonly [number, number],
): readonly [number, number] | undefined {
  if ("role" in s && s.role === "optimizer") return [0.1, 2]
  return s.type.dtype === "i32" ? integers : undefined
}

/** Complaints about the scheduled program, its text and its results; empty when all is well. */
export function kernelDifferences(
  graph: Graph,
  options: {
    readonly dims?: DimValues
    readonly target?: TargetProfile
    readonly ranges?: Sample["ranges"]
    /** Of integer inputs, where `ranges` says nothing. */
    readonly integers?: readonly [number, number]
    readonly tolerance?: number
    /** false: schedule and verify only (large programs take minutes on the CPU). */
    readonly run?: boolean
  } = {},
): string[] {
  const { dims = { B: 3, R: 7 }, target = SOFTWARE, tolerance = 2e-4 } = options
  const program = scheduled(graph, target)
  const complaints = verifyKernels(program, target)
  for (const part of cut.run(graph, context(target))) {
    const groups = printGroups(grouped(part.graph, target))
    if (printGroups(parseGroups(groups)) !== groups)
      complaints.push("the text of its groups does not read back")
  }
  const text = printKernelProgram(program)
  if (printKernelProgram(parseKernelProgram(text)) !== text) complaints.push("the text does not read back")
  if (options.run === false) return complaints

  const sources = [...graph.inputs.filter((i) => i.source.kind !== "scalar"), ...graph.state]
  const values = randomArgs(
    sources.map((s) => s.type),
    dims,
    options.ranges ?? sources.map((s) => rangeOf(s, options.integers)),
  )
  // The oracle sees what the device sees: numbers rounded to f32.
  const rounded = values.map((v, i): NdArray => {
    return { shape: v.shape, data: Float64Array.from(device(v.data, sources[i]!.type.dtype)) }
  })
  const isSlot = (i: number): boolean => i >= sources.length - graph.state.length
  const named = (slots: boolean): Record<string, NdArray> =>
    Object.fromEntries(sources.flatMap((s, i) => (isSlot(i) === slots ? [[s.name, rounded[i]!]] : [])))
  const expected = evalGraph(graph, { inputs: named(false), state: named(true), dims, scalars: SCALARS })

  const buffers = new Map(sources.map((s, i) => [s.name, device(values[i]!.data, s.type.dtype)]))
  const outputs = evalKernels(program, { dims, scalars: SCALARS, buffers })
  const compare = (name: string, want: NdArray, got: DeviceArray | undefined): void => {
    if (got?.length !== want.data.length) return void complaints.push(`${name}: ${got?.length} elements`)
    const size = Math.max(1, ...want.data.map(Math.abs).filter(Number.isFinite))
    for (let n = 0; n < got.length; n++) {
      const close = Object.is(got[n], want.data[n]) || Math.abs(got[n]! - want.data[n]!) <= tolerance * size
      if (!close) return void complaints.push(`${name}[${n}] is ${got[n]}, should be ${want.data[n]}`)
    }
  }
  for (const o of graph.outputs) compare(o.name, expected.outputs[o.name]!, outputs.get(o.name))
  for (const u of graph.updates) {
    const slot = graph.state.find((s) => s.id === u.slot)!
    compare(slot.name, expected.updates[slot.name]!, buffers.get(slot.name))
  }
  return complaints
}
