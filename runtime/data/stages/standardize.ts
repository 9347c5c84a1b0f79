/** runtime/data: `standardize`: by the mean and the population standard deviation of the training rows (divided by n, as in
 *  scikit-learn). A constant column keeps scale 1 and becomes 0. */
import { inverseOr1, rangesOf } from "./ranges.js"
import type { Affine } from "./affine.js"
import type { Fitting, TrainingRows } from "./stage.js"

export const standardize: Fitting<{ readonly kind: "standardize" }> = {
  fit: (_, training) => fitted(training),
}

/** Sums are made of (value - least) / spread, so that they neither overflow nor lose the differences within columns far from 0. */
function fitted({ table, rows: { length: rows }, walk }: TrainingRows): Affine {
  const { low, spread } = rangesOf(table, walk)
  const unit = spread.map(inverseOr1)
  const sum = low.map(() => 0)
  const each = (visit: (place: number, value: number) => void): void =>
    walk(({ values, width }) => {
      for (let i = 0, j = 0; i < values.length; i++, j = j + 1 === width ? 0 : j + 1)
        visit(j, (values[i]! - low[j]!) * unit[j]!)
    })
  each((j, value) => (sum[j]! += value))
  const mean = sum.map((total) => total / rows)
  const squares = low.map(() => 0)
  each((j, value) => (squares[j]! += (value - mean[j]!) ** 2))
  const center = low.map((least, j) => least + mean[j]! / unit[j]!)
  const scale = squares.map((total, j) => {
    const deviation = Math.sqrt(total / rows) / unit[j]!
    // A deviation within the rounding of a value is no spread.
    return deviation > Number.EPSILON * Math.abs(center[j]!) ? inverseOr1(deviation) : 1
  })
  return { kind: "affine", from: "standardize", scale, shift: center.map((at, j) => -at * scale[j]!) }
}
