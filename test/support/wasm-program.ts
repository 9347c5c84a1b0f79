/** test: a graph scheduled and run in WebAssembly, against the kernel evaluator. */
import type { Graph } from "../../compiler/ir/graph/types.js"
import { allocate, type DeviceArray, evalKernels, type KernelRun } from "../../compiler/ir/kernels/eval.js"
import type { KernelProgram } from "../../compiler/ir/kernels/types.js"
import { type DimValues, type DType, evalDim } from "../../compiler/ir/tensor.js"
import type { Sample } from "../../compiler/ops/op.js"
import type { TargetProfile } from "../../compiler/target.js"
import { fromHalf, toHalf } from "../../runtime/exec/values.js"
import { randomArgs } from "./gradcheck.js"
import { scheduled } from "./kernels.js"
import { wasmKernels } from "./wasm-kernels.js"

/** Runs the dispatches in order, as `evalKernels` does. */
export function runInWasm(program: KernelProgram, run: KernelRun): Map<string, DeviceArray> {
  const memory = new Map<number, DeviceArray>()
  for (const b of program.buffers)
    memory.set(b.id, run.buffers.get(b.name) ?? allocate(b.dtype, evalDim(b.elements, run.dims)))
  const kernels = wasmKernels(program.kernels)
  for (const d of program.dispatches) {
    const index = program.kernels.findIndex((k) => k.name === d.kernel)
    const { params } = program.kernels[index]!
    const arrays = d.args.map((ref) => memory.get(ref.id)!)
    const stored = arrays.map((a, i) => (params[i]!.dtype === "f16" ? Uint16Array.from(a, toHalf) : a))
    kernels.run(index, stored, run.dims, { ...run.scalars, turn: 0 })
    stored.forEach((a, i) => {
      if (a instanceof Uint16Array) arrays[i]!.set(Float32Array.from(a, fromHalf))
    })
  }
  return new Map(program.outputs.map((o) => [o.name, memory.get(o.buffer)!]))
}

const array = (data: ArrayLike<number>, dtype: DType): DeviceArray =>
  dtype === "i32"
    ? Int32Array.from(data)
    : dtype === "f32" || dtype === "f16"
      ? Float32Array.from(data)
      : Uint32Array.from(data)

const SCALARS = { step: 3, epoch: 1, seed: 1234567, start: 0 } as const

/** Where WebAssembly and the kernel evaluator differ; empty when nowhere. */
export function wasmDifferences(
  graph: Graph,
  options: { readonly target: TargetProfile; readonly ranges?: Sample["ranges"]; readonly dims?: DimValues },
): string[] {
  const { dims = { B: 3, R: 7 }, target, ranges } = options
  const program = scheduled(graph, target)
  const sources = [...graph.inputs.filter((i) => i.source.kind !== "scalar"), ...graph.state]
  const values = randomArgs(
    sources.map((s) => s.type),
    dims,
    ranges,
  )
  const buffers = (): Map<string, DeviceArray> =>
    new Map(sources.map((s, i) => [s.name, array(values[i]!.data, s.type.dtype)]))
  const [there, here] = [buffers(), buffers()]
  const want = evalKernels(program, { dims, scalars: SCALARS, buffers: there })
  const got = runInWasm(program, { dims, scalars: SCALARS, buffers: here })
  const names = [...want.keys()]
  const half = [...graph.inputs, ...graph.nodes].some((v) => v.type.dtype === "f16")
  return [
    ...names.flatMap((name) => difference(name, got.get(name)!, want.get(name)!, half ? 2e-3 : 1e-5)),
    ...graph.state.flatMap(({ name }) => difference(name, here.get(name)!, there.get(name)!, 1e-5)),
  ]
}

/** Equal but for the last digits: of functions, of sums, and of halves, which the evaluator keeps as f32. */
function difference(name: string, got: DeviceArray, want: DeviceArray, tolerance: number): string[] {
  const size = Math.max(1, ...Array.from(want, Math.abs).filter(Number.isFinite))
  for (let i = 0; i < want.length; i++) {
    if (!Object.is(got[i], want[i]) && !(Math.abs(got[i]! - want[i]!) <= tolerance * size))
      return [`${name}[${i}] is ${got[i]}, should be ${want[i]}`]
  }
  return []
}
