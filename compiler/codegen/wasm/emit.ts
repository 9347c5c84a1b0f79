/** codegen/wasm: Plan -> one WebAssembly module: a function per kernel, the mathematical functions they call, and the functions
 *  that run lists of commands. No JavaScript runs between two kernels.
 *  Assumes:    the plan verified.
 *  Guarantees: kernels stand in the table in the order of the plan; the module validates; needs SIMD and atomics, not shared
 *              memory (`sharedFlag` says which byte turns that off).
 *  Not here:   memory and threads (runtime/device/wasm), text (text.ts). */
import type { Kernel } from "../../ir/kernels/types.js"
import { encodeModule, type EncodedModule, type WasmModule } from "./encode.js"
import { divideFunction, helpFunction, runFunction, workFunction } from "./executor.js"
import { Functions } from "./functions.js"
import { KERNEL_TYPE, kernelFunction } from "./kernel.js"
import { workOf } from "./work.js"

export interface EmittedWasm extends EncodedModule {
  /** The kernels in table order. `work`: operations per workgroup, roughly. */
  readonly kernels: readonly { readonly name: string; readonly work: number }[]
  /** Bytes that every thread needs for itself. */
  readonly scratch: number
}

export function emitWasm(kernels: readonly Kernel[]): EmittedWasm {
  const { module, scratch } = wasmModule(kernels)
  return {
    ...encodeModule(module),
    kernels: kernels.map((k) => ({ name: k.name, work: workOf(k) })),
    scratch,
  }
}

const SCRATCH_GLOBAL = 0
const MAX_PAGES = 65536

export function wasmModule(kernels: readonly Kernel[]): { module: WasmModule; scratch: number } {
  const functions = new Functions(0)
  functions.add(helpFunction())
  functions.add(divideFunction(functions.call("help")))
  const run = functions.add(runFunction((...args) => functions.call("divide", ...args)))
  const work = functions.add(workFunction(functions.call("help")))
  let scratch = 0
  const table = kernels.map((kernel) => {
    const built = kernelFunction(kernel, functions, SCRATCH_GLOBAL)
    scratch = Math.max(scratch, built.scratch)
    return functions.add({ ...built.function, name: `kernel ${kernel.name}` })
  })
  const module: WasmModule = {
    pages: { least: 1, most: MAX_PAGES },
    imports: [],
    functions: functions.all,
    globals: ["scratch"],
    table,
    exports: [
      { name: "run", kind: "function", index: run },
      { name: "work", kind: "function", index: work },
      { name: "scratch", kind: "global", index: SCRATCH_GLOBAL },
    ],
    indirect: KERNEL_TYPE,
  }
  return { module, scratch }
}
