/** runtime/data: which rows are for training and which for the test.
 *  The rows are put into a random order that depends on the seed and their number alone (Fisher-Yates over splitmix32); the
 *  first round(train * rows) of that order are for training, all others for the test when train + test is 1, else the next
 *  round(test * rows). Both sides keep the order of the file.
 *  Rows that follow one another and overlap (windows of a text) are not permuted: the first ones are for training, those after
 *  them that share nothing with them for the test. */
import { RunError } from "../error.js"

export interface SplitShares {
  readonly train: number
  readonly test: number
  readonly seed: number
}
export interface SplitRows {
  readonly train: Uint32Array
  readonly test: Uint32Array
}

/** `overlap`: with how many rows after it each row shares values; undefined when rows are independent. */
export function splitRows(rows: number, shares: SplitShares, overlap?: number): SplitRows {
  const { train, test, seed } = shares
  const order = allRows(rows)
  if (overlap === undefined) permute(order, seed)
  const trainRows = Math.round(train * rows)
  const testFrom = test > 0 ? Math.min(rows, trainRows + (overlap ?? 0)) : trainRows
  const complete = Math.abs(train + test - 1) < 1e-9
  const testRows = complete ? rows - testFrom : Math.min(rows - testFrom, Math.round(test * rows))
  if (trainRows === 0 || (testRows === 0 && test > 0))
    throw new RunError(
      "data-split",
      `a split of ${rows} rows into train ${train} and test ${test} leaves ${trainRows === 0 ? "no training" : "no test"} rows`,
    )
  return {
    train: order.slice(0, trainRows).sort(),
    test: order.slice(testFrom, testFrom + testRows).sort(),
  }
}

function permute(order: Uint32Array, seed: number): void {
  const random = splitmix32(seed)
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor((random() / 2 ** 32) * (i + 1))
    const swapped = order[i]!
    order[i] = order[j]!
    order[j] = swapped
  }
}

export const allRows = (rows: number): Uint32Array => Uint32Array.from({ length: rows }, (_, row) => row)

/** A 32-bit generator of full period (the finaliser of MurmurHash3 over a Weyl sequence). */
function splitmix32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  }
}
