/** targets: a WebGPU adapter that is emulated on the processor: few cores, and each invocation runs to its end. The figures are those of
 *  llvmpipe, which runs eight invocations as one vector and takes seconds to compile long kernels. */
import type { TargetProfile } from "./target.js"
import { VECTOR_TILES, DEFAULT_TARGET } from "./webgpu-gpu.js"

export const SOFTWARE_TARGET: TargetProfile = {
  ...DEFAULT_TARGET,
  name: "webgpu-software",
  adapter: { software: true, features: [] },
  plans: ["slide"],
  costs: {
    // About 10 microseconds of a processor.
    dispatch: 20_000,
    reuse: 8,
    multiStepWork: 300_000,
    // It loads for each of eight lanes by itself, keeps sums in memory when there are barriers (it makes coroutines of invocations
    // then), and needs milliseconds to compile a store. More than eight invocations change at every barrier.
    oneWorkgroup: { lanes: 8, load: 25, sum: 3, iteration: 20, output: 40, code: 800 },
    mapLanes: { most: 64, few: 32 },
    rowByWorkgroup: { inner: 512, rows: 64 },
    // One invocation sums over the whole depth of a row, which loads more than a tile does: that is to cost less than a dispatch.
    joinedDepth: 256,
    sharesRows: false,
    rowsThatFill: 32,
    // It cuts all of a kernel with barriers into pieces when it compiles it, and compiles two kernels of sums faster than one of both.
    horizontalFusion: { size: 500, barriers: false, repeatsCode: false },
    tiles: {
      fill: 64,
      vector: VECTOR_TILES,
      // A scalar tile is as fast as a vector tile. Tiles of 8x16 and scalar ones of 8x8 make steps a fifth faster and their first
      // step three times slower: a kernel of that size is compiled for seconds.
      scalar: [
        [8, 4],
        [4, 4],
        [4, 2],
        [2, 2],
        [1, 1],
      ],
      // One copy of the operations after the sums, in a loop over sums put aside, compiles several times as fast.
      stagedBeyond: { scalar: 1, vector: 4 },
      // A workgroup costs a tenth of a microsecond; few tiles are spread over more of them.
      fewLanes: 16,
    },
    hidesTripCounts: true,
  },
}
