/** test: runs single kernels in WebAssembly, in this thread, over arrays. */
import { emitWasm } from "../../compiler/codegen/wasm/emit.js"
import { evalSize, gridOf } from "../../compiler/ir/kernels/grid.js"
import type { DeviceArray, ScalarValues } from "../../compiler/ir/kernels/eval.js"
import type { Kernel } from "../../compiler/ir/kernels/types.js"
import type { DimValues } from "../../compiler/ir/tensor.js"
import { COMMAND, HEAP_START, type WasmExports } from "../../runtime/bundle/wasm.js"

export interface KernelRunner {
  /** Runs kernel number `index` on copies of the arrays and puts the results back. */
  run(
    index: number,
    arrays: readonly (DeviceArray | Uint16Array)[],
    dims: DimValues,
    scalars: ScalarValues,
  ): void
}

export function wasmKernels(kernels: readonly Kernel[]): KernelRunner {
  const { bytes, scratch } = emitWasm(kernels)
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true })
  const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)), {
    env: { memory },
  })
  const exports = instance.exports as unknown as WasmExports
  return {
    run: (index, arrays, dims, scalars) => {
      const kernel = kernels[index]!
      const align = (n: number): number => Math.ceil(n / 64) * 64
      let end = HEAP_START
      const take = (size: number): number => {
        const at = end
        end = align(end + size)
        return at
      }
      const [commands, args] = [take(64), take(4 * arrays.length)] as const
      const [parameters, own] = [take(64), take(scratch)] as const
      const places = arrays.map((a) => take(a.byteLength))
      const missing = Math.ceil((end + 64) / 65536) - memory.buffer.byteLength / 65536
      if (missing > 0) memory.grow(missing)
      const words = new Int32Array(memory.buffer)
      const { B, R } = dims
      const { step, epoch, seed, start, iteration } = scalars
      words.set([B, R, step, epoch, seed, start, iteration], parameters / 4)
      words.set(places, args / 4)
      arrays.forEach((a, i) =>
        new Uint8Array(memory.buffer, places[i]!).set(new Uint8Array(a.buffer, a.byteOffset, a.byteLength)),
      )
      const groups = gridOf(kernel).reduce((n, e) => n * evalSize(e, dims), 1)
      words.set([COMMAND.dispatch, index, args, parameters, groups], commands / 4)
      exports.scratch.value = own
      exports.run(commands, 1, 1)
      arrays.forEach((a, i) =>
        new Uint8Array(a.buffer, a.byteOffset, a.byteLength).set(
          new Uint8Array(memory.buffer, places[i]!, a.byteLength),
        ),
      )
    },
  }
}
