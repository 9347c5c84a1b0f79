/** schedule: the cost model of contractions over sliding windows on software adapters, where a load costs as much as ten products:
 *  a tile of neighbouring columns and several taps at a time loads the elements that its windows share once.
 *  Not here:   all other contractions (`cost/model.ts`), the code (`templates/tile.ts`). */
import { isStatic, type Shape } from "../../ir/tensor.js"
import type { TargetProfile } from "../../targets/target.js"
import type { ContractTile } from "./model.js"

/** A window that slides along the last axis of the columns: the address that the columns' operand is read at moves by
 *  `step` with that axis and by `tap` with the last axis of the sum, so neighbouring columns read the same elements. */
export interface Slide {
  readonly step: number
  readonly tap: number
  /** Loads for one element of either operand. */
  readonly columnLoads: number
  readonly rowLoads: number
}

/** A load, in products: llvmpipe loads for each of eight lanes by itself. */
const LOAD = 10
/** The overhead of an iteration of the loop. */
const ITERATION = 20
/** Sums of a tile and products of an iteration: llvmpipe compiles more for seconds. */
const MOST_SUMS = 56
const MOST_PRODUCTS = 176
const MOST_TAPS = 8
/** Elements that all rows of a tile use in turn: more do not stay in registers. */
const MOST_KEPT = 16
/** Tiles that keep all threads busy, and indices of the sum that are worth sharing among the lanes of a workgroup. */
const FILL = 64
const LEAST_SPLIT = 256

/** The tile of a contraction whose columns' axes are `along` and whose sum runs over `over`. */
export function slidingTile(
  size: { rows: number; columns: number; batch: number; depth: number },
  slide: Slide & { along: Shape; over: Shape },
  target: TargetProfile,
): ContractTile | undefined {
  if (!target.plans.includes("slide") || target.oneWorkgroup !== undefined) return undefined
  const last = slide.over.at(-1)!
  if (!isStatic(last)) return undefined
  let best: ContractTile | undefined
  let least = Infinity
  for (const taps of divisors(last, MOST_TAPS)) {
    for (const { columns, lines, run } of runs(slide.along)) {
      const read = distinct(run, slide.step, taps, slide.tap)
      // Windows that share nothing, as the rows of a matrix.
      if (read === run * taps) continue
      const reads = lines * read * slide.columnLoads
      if (reads > MOST_KEPT) continue
      for (const rows of [8, 4, 2, 1]) {
        const outputs = rows * columns
        if (rows > size.rows || outputs > MOST_SUMS || outputs * taps > MOST_PRODUCTS) continue
        const tiles = Math.ceil(size.rows / rows) * (size.columns / columns) * size.batch
        const split = tiles < FILL && size.depth / taps >= LEAST_SPLIT
        if (split && outputs > LANES_SPLIT) continue
        const iteration = LOAD * (reads + rows * taps * slide.rowLoads) + outputs * taps + ITERATION
        // Lanes without a tile wait for the others.
        const idle = split ? 1 : Math.max(1, FILL / tiles)
        const each = (iteration / (outputs * taps)) * idle
        if (each >= least) continue
        least = each
        const lanes = split ? LANES_SPLIT : tiles < 1024 ? 16 : 64
        best = { rows, columns, taps, lanes, split, staged: !split }
      }
    }
  }
  return best
}
const LANES_SPLIT = 64

/** Neighbouring columns that fill whole lines of the last axis, or divide one. */
function runs(along: Shape): { columns: number; lines: number; run: number }[] {
  const line = along.at(-1)!
  if (!isStatic(line)) return []
  const parts = divisors(line, MOST_SUMS).map((run) => ({ columns: run, lines: 1, run }))
  const above = along.at(-2)
  if (above === undefined || !isStatic(above)) return parts
  const whole = divisors(above, MOST_SUMS).map((lines) => ({ columns: lines * line, lines, run: line }))
  return [...parts, ...whole.filter((x) => x.columns <= MOST_SUMS)]
}

/** Elements that `run` neighbouring windows read with `taps` taps. */
function distinct(run: number, step: number, taps: number, tap: number): number {
  const indices = new Set<number>()
  for (let i = 0; i < run; i++) for (let t = 0; t < taps; t++) indices.add(i * step + t * tap)
  return indices.size
}
const divisors = (n: number, most: number): number[] =>
  Array.from({ length: Math.min(n, most) }, (_, i) => i + 1).filter((d) => d > 1 && n % d === 0)
