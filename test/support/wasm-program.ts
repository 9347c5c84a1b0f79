/** test: a graph scheduled and run in WebAssembly, against the kernel evaluator. */
import type { Graph } from "../../compiler/ir/graph/types.js"
import {
  type DeviceArray,
  evalKernels,
  type KernelRun,
  runDispatches,
} from "../../compiler/ir/kernels/eval.js"
import type { KernelProgram } from "../../compiler/ir/kernels/types.js"
import type { DimValues } from "../../compiler/ir/tensor.js"
import type { Sample } from "../../compiler/ops/op.js"
import type { TargetProfile } from "../../compiler/targets/index.js"
import { deviceArray } from "../../compiler/validate/validate.js"
import { SCALARS } from "../../compiler/validate/values.js"
import { fromHalf, toHalf } from "../../runtime/bundle/half.js"
import { randomArgs } from "./gradcheck.js"
import { scheduled } from "./kernels.js"
import { sourcesOf } from "./trial.js"
import { wasmKernels } from "./wasm-kernels.js"

/** Runs the dispatches in order, as `evalKernels` does. */
export function runInWasm(program: KernelProgram, run: KernelRun): Map<string, DeviceArray> {
  const kernels = wasmKernels(program.kernels)
  return runDispatches(program, run, (kernel, arrays, dims, scalars) => {
    const stored = arrays.map((a, i) => (kernel.params[i]!.dtype === "f16" ? Uint16Array.from(a, toHalf) : a))
    kernels.run(program.kernels.indexOf(kernel), stored, dims, scalars)
    stored.forEach((a, i) => {
      if (a instanceof Uint16Array) arrays[i]!.set(Float32Array.from(a, fromHalf))
    })
  })
}

/** Where WebAssembly and the kernel evaluator differ; empty when nowhere. */
export function wasmDifferences(
  graph: Graph,
  options: { readonly target: TargetProfile; readonly ranges?: Sample["ranges"]; readonly dims?: DimValues },
): string[] {
  const { dims = { B: 3, R: 7 }, target, ranges } = options
  const program = scheduled(graph, target)
  const sources = sourcesOf(graph)
  const values = randomArgs(
    sources.map((s) => s.type),
    dims,
    ranges,
  )
  const buffers = (): Map<string, DeviceArray> =>
    new Map(sources.map((s, i) => [s.name, deviceArray(values[i]!.data, s.type.dtype)]))
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
