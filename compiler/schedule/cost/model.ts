/** schedule: the cost model. Every choice that depends on sizes or on the device stands here and, for the sizes of contractions, in
 *  `cost/block.ts` (GPUs), `cost/slide.ts` (windows on software adapters) and `cost/panels.ts` (WebAssembly).
 *  Unknown sizes are taken at nominal values: choices, unlike legality, may be wrong about them. */
import type { TargetProfile } from "../../target.js"
import { type Dim, type DimValues, evalDim } from "../../ir/tensor.js"

export const NOMINAL: DimValues = { B: 64, R: 4096 }
/** Larger than any batch that is likely: workgroup counts are folded into two dimensions when they could exceed the limit. */
export const LARGEST: DimValues = { B: 65536, R: 1 << 20 }

export const nominal = (d: Dim): number => evalDim(d, NOMINAL)
export const largest = (d: Dim): number => evalDim(d, LARGEST)

/** Workgroups along x when they are folded into x and y. */
export const FOLD = 32768

/** One dispatch less, in operations and loads of single numbers: about 10 microseconds on a processor. A GPU begins the next one after
 *  about 5, in which it loads four million numbers (see `cost/block.ts`); but code of many operations is not repeated for that. */
export const dispatchSaved = (operations: number, target: TargetProfile): number =>
  target.deviceClass === "gpu" && operations <= MOST_REPEATED ? 4_000_000 : 20_000
const MOST_REPEATED = 64

/** How often a contraction uses an element that it has computed for itself: as often as its tile or block is wide. */
export const REUSE = { software: 8, gpu: 32, wasm: 8 } as const

/** Whether a value of so many operations is loaded rather than worked out again from values at hand. A load from memory takes as long
 *  as several operations on every device, and there is a store for it. */
export const worthLoading = (operations: number): boolean => operations > 6

/** Work of so few operations shares a kernel with other work over the same space, even if they have nothing in common. */
export const BESIDE = 4096

/** Elementwise nodes one after another that are worked out as one expression. Stages walk expressions by recursion, so a chain of
 *  thousands is stored in between. */
export const MOST_IN_CHAIN = 256

/** A target for programs that one workgroup runs whole. Software adapters run eight invocations as one vector, and more of them
 *  in turns that change at every barrier. */
export const forOneWorkgroup = (target: TargetProfile): TargetProfile => ({
  ...target,
  name: `${target.name}, one workgroup`,
  oneWorkgroup: target.deviceClass === "gpu" ? target.maxInvocations : 8,
  // Its loops go round, and arrays that lanes are joined through would be written again while others still read.
  subgroups: false,
  // Its kernels become one, whose buffers lie in a few bindings; their grids become loops.
  maxStorageBuffersPerStage: 64,
  maxWorkgroupsPerDimension: 2 ** 30,
})

/** Kernels that become loops of one: the time to compile that one grows faster than its size, here and in drivers. */
const MOST_LOOPS = 100

/** Whether a program of so many multiplications and the like, in so many dispatches, runs faster in one workgroup, all kernels and
 *  many calls in one dispatch. A software adapter gives up its other cores for that. */
export const multiStepPays = (work: number, dispatches: number, target: TargetProfile): boolean =>
  dispatches <= MOST_LOOPS && work <= { gpu: 1_000_000, software: 300_000, wasm: 0 }[target.deviceClass]

/** Loads and stores in the code of one kernel: llvmpipe compiles 160 in two seconds, and 400 in a minute. */
export const MOST_ACCESSES = 200

/** Whether buffers are read and written in vectors of four where that is possible. */
export const inFours = (target: TargetProfile): boolean => target.oneWorkgroup === undefined

/** Whether contractions go on with what is elementwise in their results. In one workgroup the results stay near, and a loop of
 *  its own is less code than a copy for each output of a tile. */
export const joinsContractions = (target: TargetProfile): boolean => target.oneWorkgroup === undefined

/** Invocations of a workgroup for elementwise kernels. */
export const mapLanes = (count: number, target: TargetProfile): number =>
  target.oneWorkgroup
    ? target.oneWorkgroup
    : target.deviceClass === "wasm"
      ? 16
      : target.deviceClass === "software" && count < 2048
        ? 32
        : 64

/** Rows per workgroup of a device whose workgroups are loops: enough work to be worth a piece of its own. */
export const rowsAtOnce = (inner: number): number => Math.max(1, Math.min(64, Math.floor(4096 / inner)))

/** Vectors of neighbouring rows that one invocation works on, of `quads` in all. Long walks down columns want whole cache lines and
 *  several sums at once; there should still be pieces for all threads. */
export const vectorsSideBySide = (quads: number, inner: number): number =>
  inner < 32 ? 1 : ([4, 2].find((n) => quads % n === 0 && quads / n >= 8) ?? 1)

/** Elements that the rows of a workgroup may have for values of them to be kept from one walk to the next: a third of a first-level
 *  cache. Worth it where computing one again is longer than a load. */
export const MOST_KEPT = 4096
export const worthKeeping = (operations: number): boolean => operations >= 8

/** Whether a row is worked on by the lanes of one workgroup rather than by one invocation. */
export function rowByGroup(rows: number, inner: number, target: TargetProfile): boolean {
  if (target.deviceClass === "wasm") return false
  if (target.oneWorkgroup !== undefined) return inner >= 512 && rows * 4 <= target.oneWorkgroup
  if (target.deviceClass === "software") return inner >= 512 && rows <= 64
  return inner >= 64 && rows < 16384
}
export const rowLanes = (target: TargetProfile): number => target.oneWorkgroup ?? 64

/** Columns of a product that the kernel of its rows computes: each has a sum of its own. */
const MOST_SCORES = 16
/** Whether the kernel of the rows of a product computes the product, too. One invocation sums over the whole depth of a row on
 *  software adapters, which loads more than a tile does: what that costs is to be less than a dispatch. */
export const joinsProduct = (rows: Dim, columns: number, depth: Dim, target: TargetProfile): boolean =>
  target.oneWorkgroup === undefined &&
  columns <= MOST_SCORES &&
  nominal(rows) >= 32 &&
  { gpu: true, software: nominal(depth) <= 256, wasm: false }[target.deviceClass]
/** Whether the lanes of a workgroup work on one row of a product. */
export const sharesRows = (target: TargetProfile): boolean => target.deviceClass === "gpu"

/** Workgroups more than this many, for running on fewer lanes, cost as much as the dispatch that is saved by merging. */
export const MOST_EXTRA_WORKGROUPS = 100
/** Whether kernels with barriers run beside others. A software adapter cuts all of such a kernel into pieces when it compiles it. */
export const barriersFuse = (target: TargetProfile): boolean => target.deviceClass !== "software"
/** Whether kernels of several dispatches run beside others, where their code is there again. A software adapter compiles them once. */
export const sharedFuse = (target: TargetProfile): boolean => target.deviceClass !== "software"
/** Expressions and statements of a merged kernel. A software adapter compiles two kernels of sums faster than one of both, and
 *  gains nothing from running them together; small ones that wait for nothing are one dispatch less. */
export const MOST_FUSED = { software: 500, gpu: 8192, wasm: 0 } as const

/** Dispatches that are ready and of which one kernel is made up. More would make compiling quadratic where all of them are. */
export const MOST_TRIED = 64

export interface ContractTile {
  /** Outputs of one invocation: rows x columns. */
  readonly rows: number
  readonly columns: number
  /** Indices of the last axis of the sum that one iteration of the loop adds. */
  readonly taps: number
  readonly lanes: number
  /** The lanes of a workgroup share one tile and split the reduction. */
  readonly split: boolean
  /** Sums pass through workgroup memory on their way to what is stored. */
  readonly staged: boolean
}

const VECTOR_TILES = [
  [8, 8],
  [4, 8],
  [4, 4],
  [2, 4],
  [1, 4],
] as const
/** Rows x columns of one invocation's tile, the best first. Without vectors columns may be any. Software adapters run a scalar
 *  tile as fast as a vector tile. Tiles of 8x16 and scalar ones of 8x8 make steps a fifth faster there and
 *  their first step three times slower: llvmpipe compiles a kernel of that size for seconds. */
const TILES = {
  gpu: {
    vector: VECTOR_TILES,
    scalar: [
      [4, 4],
      [4, 2],
      [2, 2],
      [1, 1],
    ],
  },
  software: {
    vector: VECTOR_TILES,
    scalar: [
      [8, 4],
      [4, 4],
      [4, 2],
      [2, 2],
      [1, 1],
    ],
  },
} as const
/** Terms of a part of a sum that is cut into parts: long enough for a vector loop to get going, and few enough that three levels of
 *  parts make a sum of a million terms as exact as one in pairs (`kernel/short-sums.ts`). */
export const FEW_TERMS = 128

/** Operations after the sums of a tile, written out one by one: they cost compile time. Software adapters do with one copy of
 *  them in a loop over sums put aside, which compiles several times as fast. */
export const MOST_EPILOGUE = 1200

/** rows x columns outputs in `batch` independent products, each a sum over `depth`. */
export interface ContractSizes {
  readonly rows: number
  readonly columns: number
  readonly batch: number
  readonly depth: number
  /** Columns come in aligned groups of four. */
  readonly vector: boolean
  /** Operations per output after the sum. */
  readonly epilogue: number
}

export function contractTile(size: ContractSizes, target: TargetProfile): ContractTile {
  const { rows, columns, batch, depth, vector } = size
  if (target.deviceClass === "wasm") return registerTile(rows, columns, vector)
  if (target.oneWorkgroup !== undefined) return oneWorkgroupTile(size, target.oneWorkgroup, target)
  const fill = target.deviceClass === "software" ? 64 : 8192
  const sizes = TILES[target.deviceClass][vector ? "vector" : "scalar"]
  const least = sizes[sizes.length - 1]!
  const staged = (r: number, c: number): boolean =>
    target.deviceClass === "software" && r * c > (vector ? 4 : 1)
  const fitting = sizes.filter(
    ([r, c]) =>
      r <= Math.max(1, rows) &&
      c <= Math.max(vector ? 4 : 1, columns) &&
      (size.epilogue * r * c <= MOST_EPILOGUE || staged(r, c)),
  )
  const count = (r: number, c: number): number => Math.ceil(rows / r) * Math.ceil(columns / c) * batch
  const whole = (r: number, c: number): ContractTile => {
    // A workgroup costs a tenth of a microsecond there; few tiles are spread over more of them.
    const most = target.deviceClass === "software" && count(r, c) < 1024 ? 16 : 64
    return { rows: r, columns: c, taps: 1, lanes: most, split: false, staged: staged(r, c) }
  }
  for (const [r, c] of fitting) if (count(r, c) >= fill) return whole(r, c)
  // Few outputs: a long sum is split over a workgroup, a short one is left to small tiles.
  if (depth >= 256) {
    const [r, c] = fitting.find(([x, y]) => x * y <= 16) ?? least
    return { rows: r, columns: c, taps: 1, lanes: 64, split: true, staged: false }
  }
  const [r, c] = fitting.at(-1) ?? least
  return whole(r, c)
}

/** Whether rows are enough of them to write all their elements from: otherwise a kernel over the elements is better. */
export function rowsFillDevice(rows: number, elements: number, target: TargetProfile): boolean {
  // One row has a purpose of its own, such as the norm of a gradient: long work over it is better spread.
  if (rows === 1) return elements <= 256
  const lanes = rowByGroup(rows, elements / rows, target) ? rowLanes(target) : 1
  return elements <= 16384 || rows * lanes >= (target.deviceClass === "software" ? 32 : 1024)
}

/** For one thread with 16 vector registers: four rows by two vectors of sums leave room for the operands. */
function registerTile(rows: number, columns: number, vector: boolean): ContractTile {
  const step = (n: number, most: number): number => (n >= most ? most : n >= most / 2 ? most / 2 : 1)
  const down = step(rows, 4)
  const across = vector ? (columns >= 8 ? 8 : 4) : step(columns, 4)
  return { rows: down, columns: across, taps: 1, lanes: 1, split: false, staged: false }
}

/** Sides of tiles of one workgroup. */
const SIDES = [1, 2, 4, 8]
/** In instructions: a load and a sum per iteration, what an iteration costs anyway, and an output of a tile, once per round of tiles and
 *  once for the time to compile it. llvmpipe loads for each of eight lanes by itself, keeps sums in memory when there are barriers
 *  (it makes coroutines of invocations then), and needs milliseconds to compile a store. */
const IN_ONE = {
  software: { load: 25, sum: 3, iteration: 20, output: 40, code: 800 },
  gpu: { load: 4, sum: 1, iteration: 4, output: 8, code: 0 },
} as const

/** The tile that lets all lanes finish first. */
function oneWorkgroupTile(
  size: { rows: number; columns: number; batch: number; depth: number },
  lanes: number,
  target: TargetProfile,
): ContractTile {
  const { load, sum, iteration, output, code } = IN_ONE[target.deviceClass === "gpu" ? "gpu" : "software"]
  let best: ContractTile = { rows: 1, columns: 1, taps: 1, lanes, split: false, staged: false }
  let least = Infinity
  for (const rows of SIDES) {
    for (const columns of SIDES) {
      const tiles = Math.ceil(size.rows / rows) * Math.ceil(size.columns / columns) * size.batch
      const outputs = rows * columns
      const each = size.depth * (load * (rows + columns) + sum * outputs + iteration) + output * outputs
      const cost = Math.ceil(tiles / lanes) * each + code * outputs
      if (cost >= least) continue
      least = cost
      best = { rows, columns, taps: 1, lanes, split: false, staged: false }
    }
  }
  return best
}
