/** runtime/data: rows that are drawn by weights, with replacement: `shuffle weight: "w"`, `shuffle balanced: "label"`.
 *  How:        systematic sampling: an epoch draws a start, and takes as many rows as there are, at equal distances from that start along
 *              the cumulative weights. So a row comes as often as its share of all weights says, rounded down or up; independent draws
 *              would vary more. The rows are then shuffled by the permutation that rows without weights have; equal weights
 *              therefore give the very same order. */
import type { DrawSpec } from "../bundle/format.js"
import { RunError } from "../error.js"
import { product } from "../exec/size.js"
import type { TableRows } from "./load.js"
import { shuffledOrder, type Shuffle } from "./row-order.js"

/** Sums of the weights up to each of the rows, itself included. */
export function drawWeights({ table, rows }: TableRows, { by, column }: DrawSpec): Float64Array {
  const weights = by === "weight" ? weightsOf({ table, rows }, column) : balanced({ table, rows }, column)
  let sum = 0
  const sums = weights.map((weight) => (sum += weight))
  if (sum > 0 && Number.isFinite(sum)) return sums
  throw new RunError("data-weight", `${table.place}: the weights in "${column}" add up to ${sum}`, {
    help: "at least one row that trains has a weight above 0",
  })
}

function weightsOf({ table, rows }: TableRows, column: string): Float64Array {
  const { values, shape } = table.column(column)
  requireOne(product(shape), table.place, column)
  return Float64Array.from(rows, (row) => {
    const weight = values[row]!
    if (weight >= 0 && weight < Infinity) return weight
    throw new RunError("data-weight", `${table.where(row, column)}: ${weight} is no weight`, {
      help: "weights are numbers from 0 on; 0 leaves a row out",
    })
  })
}

/** All classes weigh the same, and so do the rows of one. */
function balanced({ table, rows }: TableRows, column: string): Float64Array {
  const { distinct, codes, width } = table.texts(column)
  requireOne(width, table.place, column)
  const counts = new Float64Array(distinct.length)
  for (const row of rows) counts[codes[row]!]!++
  return Float64Array.from(rows, (row) => 1 / counts[codes[row]!]!)
}

function requireOne(width: number, place: string, column: string): void {
  if (width === 1) return
  throw new RunError("data-shape", `${place}: a row of "${column}" has ${width} values`, {
    help: "a row has one weight, or one class",
  })
}

/** The row at each place of an epoch. */
export function drawnOrder(sums: Float64Array, shuffle: Shuffle): (place: number) => number {
  const order = shuffledOrder(shuffle)
  const total = sums.at(-1)!
  const start = startOf(shuffle)
  return (place) => firstAbove(sums, ((order(place) + start) / shuffle.rows) * total)
}

/** A multiple of 2^-16 between 0 and 1, so that sums with it are exact. */
function startOf({ seed, epoch }: Shuffle): number {
  let bits = Math.imul(seed ^ Math.imul(epoch + 1, 0x85ebca6b), 0xc2b2ae35) >>> 0
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d) >>> 0
  return ((bits >>> 16) + 0.5) / 2 ** 16
}

/** Binary search; rounding at the end of all leads to the last row that has a weight. */
function firstAbove(sums: Float64Array, at: number): number {
  const most = Math.min(at, sums.at(-1)! * (1 - Number.EPSILON))
  let [low, high] = [0, sums.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sums[middle]! > most) high = middle
    else low = middle + 1
  }
  return low
}
