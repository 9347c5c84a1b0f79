/** runtime/device/wasm: the module of a bundle -> memory and an instance for this thread.
 *  Guarantees: an engine without SIMD is refused by name; memory is shared where the engine allows it. */
import type { ProgramSpec, WasmCode } from "../../bundle/format.js"
import { CONTROL, HEAP_START, type WasmExports } from "../../bundle/wasm.js"
import { reasonOf, RunError } from "../../error.js"

/** (func (result v128) (i32x4.splat (i32.const 0))) */
const SIMD_PROBE = Uint8Array.from(
  [
    [0, 97, 115, 109, 1, 0, 0, 0],
    [1, 5, 1, 96, 0, 1, 123],
    [3, 2, 1, 0],
    [10, 8, 1, 6, 0, 65, 0, 253, 17, 11],
  ].flat(),
)

export interface WasmSource {
  readonly code: WasmCode
  /** Which run its kernels. */
  readonly programs: readonly ProgramSpec[]
  readonly bytes: Uint8Array
}
export interface Loaded {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly exports: WasmExports
  readonly shared: boolean
}

export const PAGE = 65536
/** 4 GiB; less where the system refuses to set that much address space aside. */
const MOST_PAGES = [65536, 16384, 4096]

export function hasSimd(
  validate: (bytes: Uint8Array<ArrayBuffer>) => boolean = WebAssembly.validate,
): boolean {
  return validate(SIMD_PROBE)
}

/** `share`: whether threads are wanted. */
export async function loadModule(source: WasmSource, share: boolean): Promise<Loaded> {
  if (typeof WebAssembly === "undefined" || !hasSimd())
    throw new RunError(
      "no-wasm-simd",
      "this engine has no WebAssembly SIMD, which the bundle's module needs",
      {
        exit: 3,
        help: "use a current browser or Node 20, or a WebGPU device: `--device webgpu`",
      },
    )
  const shared = share && typeof SharedArrayBuffer !== "undefined"
  const bytes = new Uint8Array(source.bytes)
  if (!shared) bytes[source.code.sharedFlag] = 1
  const memory = makeMemory(shared)
  try {
    const module = await WebAssembly.compile(bytes)
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } })
    return { module, memory, exports: exports as unknown as WasmExports, shared }
  } catch (caught) {
    const reason = reasonOf(caught)
    throw new RunError("kernel-refused", `the engine refuses ${source.code.file}: ${reason}`, {
      exit: 3,
      help: /content security policy/i.test(reason)
        ? "the page's policy has to allow `script-src 'wasm-unsafe-eval'`"
        : "compile the source again; if it stays so, please report the program",
      cause: caught,
    })
  }
}

function makeMemory(shared: boolean): WebAssembly.Memory {
  const initial = Math.ceil(HEAP_START / PAGE)
  let reason: unknown
  for (const maximum of MOST_PAGES) {
    try {
      return new WebAssembly.Memory({ initial, maximum, shared })
    } catch (caught) {
      reason = caught
    }
  }
  throw new RunError("device-limits", `no memory can be set aside for WebAssembly: ${reasonOf(reason)}`, {
    exit: 3,
    cause: reason,
  })
}

/** One word of the control block. */
export const control = (memory: WebAssembly.Memory, word: keyof typeof CONTROL, value: number): void => {
  new Int32Array(memory.buffer)[CONTROL[word] / 4] = value
}
