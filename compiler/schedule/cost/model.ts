/** schedule: the cost model. Every choice that depends on sizes or on the device stands here and, for the sizes of contractions, in
 *  `cost/block.ts` (GPUs), `cost/slide.ts` (windows on software adapters) and `cost/panels.ts` (WebAssembly).
 *  Unknown sizes are taken at nominal values: choices, unlike legality, may be wrong about them. */
import type { TargetProfile } from "../../targets/target.js"
import { type Dim, type DimValues, evalDim } from "../../ir/tensor.js"

export const NOMINAL: DimValues = { B: 64, R: 4096 }
/** Larger than any batch that is likely: workgroup counts are folded into two dimensions when they could exceed the limit. */
export const LARGEST: DimValues = { B: 65536, R: 1 << 20 }

export const nominal = (d: Dim): number => evalDim(d, NOMINAL)
export const largest = (d: Dim): number => evalDim(d, LARGEST)

/** Workgroups along x when they are folded into x and y. */
export const FOLD = 32768

/** One dispatch less, in operations and loads of single numbers; code of many operations is not repeated for more than a processor
 *  would save. */
export const dispatchSaved = (operations: number, { costs }: TargetProfile): number =>
  operations <= MOST_REPEATED ? costs.dispatch : Math.min(costs.dispatch, 20_000)
const MOST_REPEATED = 64

/** Whether a value of so many operations is loaded rather than worked out again from values at hand. A load from memory takes as long
 *  as several operations on every device, and there is a store for it. */
export const worthLoading = (operations: number): boolean => operations > 6

/** Work of so few operations shares a kernel with other work over the same space, even if they have nothing in common. */
export const BESIDE = 4096

/** Elementwise nodes one after another that are worked out as one expression. Stages walk expressions by recursion, so a chain of
 *  thousands is stored in between. */
export const MOST_IN_CHAIN = 256

/** A target for programs that one workgroup runs whole. */
export const forOneWorkgroup = (target: TargetProfile): TargetProfile => ({
  ...target,
  name: `${target.name}, one workgroup`,
  oneWorkgroup: target.costs.oneWorkgroup.lanes ?? target.maxInvocations,
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
  dispatches <= MOST_LOOPS && work <= target.costs.multiStepWork

/** Loads and stores in the code of one kernel: llvmpipe compiles 160 in two seconds, and 400 in a minute. */
export const MOST_ACCESSES = 200

/** Whether buffers are read and written in vectors of four where that is possible. */
export const inFours = (target: TargetProfile): boolean => target.oneWorkgroup === undefined

/** Whether contractions take elementwise operations on their results as an epilogue. In one workgroup the results stay near, and a loop of
 *  its own is less code than a copy for each output of a tile. */
export const joinsContractions = (target: TargetProfile): boolean => target.oneWorkgroup === undefined

/** Invocations of a workgroup for elementwise kernels. */
export function mapLanes(count: number, { oneWorkgroup, costs: { mapLanes } }: TargetProfile): number {
  return oneWorkgroup ?? (count < 2048 ? mapLanes.few : mapLanes.most)
}

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
  const { rowByWorkgroup } = target.costs
  if (rowByWorkgroup === undefined) return false
  if (target.oneWorkgroup !== undefined) return inner >= 512 && rows * 4 <= target.oneWorkgroup
  return inner >= rowByWorkgroup.inner && rows <= rowByWorkgroup.rows
}
export const rowLanes = (target: TargetProfile): number => target.oneWorkgroup ?? 64

/** Columns of a product that the kernel of its rows computes: each has a sum of its own. */
const MOST_SCORES = 16
/** Whether the kernel of the rows of a product computes the product, too. */
export const joinsProduct = (rows: Dim, columns: number, depth: Dim, target: TargetProfile): boolean =>
  target.oneWorkgroup === undefined &&
  columns <= MOST_SCORES &&
  nominal(rows) >= 32 &&
  nominal(depth) <= target.costs.joinedDepth

/** Workgroups more than this many, for running on fewer lanes, cost as much as the dispatch that is saved by merging. */
export const MOST_EXTRA_WORKGROUPS = 100
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
  /** Sums pass through workgroup memory before they are stored. */
  readonly staged: boolean
}

/** Terms of a part of a sum that is cut into parts: long enough for a vector loop to get going, and few enough that three levels of
 *  parts make a sum of a million terms as exact as one in pairs (`kernel/short-sums.ts`). */
export const FEW_TERMS = 128

/** Operations after the sums of a tile, written out one by one: they cost compile time. */
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
  const { tiles } = target.costs
  if (tiles === undefined) return registerTile(rows, columns, vector)
  if (target.oneWorkgroup !== undefined) return oneWorkgroupTile(size, target.oneWorkgroup, target)
  const shape = vector ? "vector" : "scalar"
  const sizes = tiles[shape]
  const least = sizes.at(-1)!
  const staged = (r: number, c: number): boolean => r * c > (tiles.stagedBeyond?.[shape] ?? Infinity)
  const fitting = sizes.filter(
    ([r, c]) =>
      r <= Math.max(1, rows) &&
      c <= Math.max(vector ? 4 : 1, columns) &&
      (size.epilogue * r * c <= MOST_EPILOGUE || staged(r, c)),
  )
  const count = (r: number, c: number): number => Math.ceil(rows / r) * Math.ceil(columns / c) * batch
  const whole = (r: number, c: number): ContractTile => {
    const lanes = count(r, c) < 1024 ? tiles.fewLanes : 64
    return { rows: r, columns: c, taps: 1, lanes, split: false, staged: staged(r, c) }
  }
  for (const [r, c] of fitting) if (count(r, c) >= tiles.fill) return whole(r, c)
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
  return elements <= 16384 || rows * lanes >= target.costs.rowsThatFill
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
/** The tile that lets all lanes finish first. */
function oneWorkgroupTile(
  size: { rows: number; columns: number; batch: number; depth: number },
  lanes: number,
  target: TargetProfile,
): ContractTile {
  const { load, sum, iteration, output, code } = target.costs.oneWorkgroup
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
