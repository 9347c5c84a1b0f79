// Rows that are drawn by weights: each as often as it is due, and refused weights.
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { drawnOrder, drawWeights } from "../runtime/data/draws.js"
import { shuffledOrder } from "../runtime/data/row-order.js"
import { tableOfRecords } from "../runtime/data/records.js"
import { failure } from "./support/failure.js"

const table = (rows: readonly { readonly w?: number; readonly label?: string }[]) =>
  tableOfRecords(
    "d.csv",
    ["w", "label"],
    rows.map(({ w = 1, label = "a" }) => ({ w, label })),
  )
const sumsOf = (weights: readonly number[]): Float64Array => {
  const rows = Uint32Array.from(weights, (_, row) => row)
  return drawWeights({ table: table(weights.map((w) => ({ w }))), rows }, { by: "weight", column: "w" })
}
const epochOf = (sums: Float64Array, seed: number, epoch: number): number[] => {
  const rowAt = drawnOrder(sums, { rows: sums.length, seed, epoch })
  return Array.from(sums, (_, place) => rowAt(place))
}

describe("an epoch", () => {
  const weights = fc
    .array(fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1e6, noNaN: true })), {
      minLength: 1,
      maxLength: 200,
    })
    .filter((all) => all.some((weight) => weight > 0))
  it("has each row as often as it is due, rounded down or up, and none without a weight", () =>
    fc.assert(
      fc.property(weights, fc.nat(), fc.nat(1000), (all, seed, epoch) => {
        const counts = all.map(() => 0)
        for (const row of epochOf(sumsOf(all), seed, epoch)) counts[row]!++
        const total = all.reduce((a, b) => a + b)
        all.forEach((weight, row) => {
          const due = (weight / total) * all.length
          expect(Math.abs(counts[row]! - due)).toBeLessThan(1 + 1e-9)
          if (weight === 0) expect(counts[row]).toBe(0)
        })
      }),
      { seed: 5 },
    ))
  it("is that of `shuffle` where all weigh the same", () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.constantFrom(1, 0.1, 3, 1 / 7),
        fc.nat(),
        fc.nat(99),
        (rows, weight, seed, epoch) => {
          const order = shuffledOrder({ rows, seed, epoch })
          expect(epochOf(sumsOf(Array.from({ length: rows }, () => weight)), seed, epoch)).toEqual(
            Array.from({ length: rows }, (_, place) => order(place)),
          )
        },
      ),
      { seed: 5, numRuns: 50 },
    ))
  it("draws other rows than the one before, all of which come in time", () => {
    const sums = sumsOf([1, 1, 1, 1, 96])
    const seen = Array.from({ length: 300 }, (_, epoch) => epochOf(sums, 7, epoch)).flat()
    expect(seen.filter((row) => row === 4).length / seen.length).toBeCloseTo(0.96, 1)
    expect(new Set(seen).size).toBe(5)
  })
  it("has all classes equally often, by the rows that train", () => {
    const rows = [..."aaaabaaaaaaacaaaaaab"].map((label) => ({ label }))
    const train = Uint32Array.from({ length: 16 }, (_, row) => row)
    const sums = drawWeights({ table: table(rows), rows: train }, { by: "balanced", column: "label" })
    expect(sums.at(-1)).toBeCloseTo(3, 12)
    const drawn = Array.from({ length: 30 }, (_, epoch) => epochOf(sums, 1, epoch)).flat()
    const share = (label: string): number =>
      drawn.filter((row) => rows[row]!.label === label).length / drawn.length
    for (const label of "abc") expect(share(label)).toBeCloseTo(1 / 3, 1)
  })
})

it.each([
  [[1, -1], 'd.csv: row 2, column "w": -1 is no weight'],
  [[0, 0], 'd.csv: the weights in "w" add up to 0'],
])("weights %j are refused", (weights, message) => {
  expect(failure(() => sumsOf(weights)).slice(0, 2)).toEqual(["data-weight", message])
})
