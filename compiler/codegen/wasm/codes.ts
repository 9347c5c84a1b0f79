/** codegen/wasm: the page about programs that do not fit WebAssembly. */
import type { ProgramPages } from "../../source/codes.js"

export const wasmCodes: ProgramPages = {
  "memory-wasm": {
    title: "a program that needs more memory than WebAssembly addresses",
    explanation: `WebAssembly addresses 4 GiB. Parameters, optimizer state, intermediate results and data lie in them together, and half a
GiB is kept for other splits and for copies of the state. The message says what takes how much; a bundle for both devices is then
one for WebGPU alone, and this is a warning.`,
    pytorch: "PyTorch has the whole memory of the machine, and says DefaultCPUAllocator: not enough memory.",
    bad: `model M(x: f32[B, 16384]) -> f32[B, 16384] { x |> Linear(16384) |> Linear(16384) |> Linear(16384) |> Linear(16384) }`,
    good: `model M(x: f32[B, 16384]) -> f32[B, 16384] { x |> Linear(64) |> Linear(16384) }`,
  },
}
