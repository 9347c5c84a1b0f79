/** targets: a processor through WebAssembly: one linear memory of 32-bit addresses, threads, SIMD, loops instead of workgroups. */
import type { TargetProfile } from "./target.js"

export const WASM_TARGET: TargetProfile = {
  name: "wasm",
  code: "wasm",
  maxStorageBuffersPerStage: 32,
  // The memory as a whole has a limit, which codegen/wasm checks.
  maxBindingBytes: 2 ** 50,
  maxBufferBytes: 2 ** 50,
  maxWorkgroupsPerDimension: 2 ** 30,
  maxInvocations: 256,
  maxWorkgroupMemory: 1024 * 1024,
  minStorageOffsetAlignment: 64,
  anyVectors: true,
  subgroups: false,
  plans: ["panels"],
  costs: {
    // About 10 microseconds of a processor.
    dispatch: 20_000,
    reuse: 8,
    multiStepWork: 0,
    oneWorkgroup: { lanes: 8, load: 25, sum: 3, iteration: 20, output: 40, code: 800 },
    mapLanes: { most: 16, few: 16 },
    joinedDepth: 0,
    sharesRows: false,
    rowsThatFill: 1024,
    hidesTripCounts: false,
  },
}
