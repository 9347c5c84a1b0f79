/** targets: a GPU through WebGPU, assumed to have only the limits and features that WebGPU guarantees everywhere. */
import type { TargetProfile } from "./target.js"

const MiB = 1024 * 1024

export const VECTOR_TILES = [
  [8, 8],
  [4, 8],
  [4, 4],
  [2, 4],
  [1, 4],
] as const

export const DEFAULT_TARGET: TargetProfile = {
  name: "webgpu-default",
  code: "wgsl",
  adapter: { features: [] },
  maxStorageBuffersPerStage: 8,
  maxBindingBytes: 128 * MiB,
  maxBufferBytes: 256 * MiB,
  maxWorkgroupsPerDimension: 65535,
  maxInvocations: 256,
  maxWorkgroupMemory: 16384,
  minStorageOffsetAlignment: 256,
  anyVectors: false,
  subgroups: false,
  plans: ["block"],
  costs: {
    // A GPU begins the next dispatch after about 5 microseconds, in which it loads four million numbers (see `cost/block.ts`).
    dispatch: 4_000_000,
    reuse: 32,
    multiStepWork: 1_000_000,
    oneWorkgroup: { load: 4, sum: 1, iteration: 4, output: 8, code: 0 },
    mapLanes: { most: 64, few: 64 },
    rowByWorkgroup: { inner: 64, rows: 16383 },
    joinedDepth: Infinity,
    sharesRows: true,
    rowsThatFill: 1024,
    horizontalFusion: { size: 8192, barriers: true, repeatsCode: true },
    tiles: {
      fill: 8192,
      vector: VECTOR_TILES,
      scalar: [
        [4, 4],
        [4, 2],
        [2, 2],
        [1, 1],
      ],
      fewLanes: 64,
    },
    hidesTripCounts: false,
  },
}
