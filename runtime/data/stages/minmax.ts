/** runtime/data: `minmax`: the least value of the training rows becomes 0, the greatest 1. A constant column becomes 0. */
import { inverseOr1, rangesOf } from "./ranges.js"
import type { Fitting } from "./stage.js"

export const minmax: Fitting<{ readonly kind: "minmax" }> = {
  fit(_, { table, walk }) {
    const { low, spread } = rangesOf(table, walk)
    const scale = spread.map(inverseOr1)
    return { kind: "affine", from: "minmax", scale, shift: low.map((least, j) => -least * scale[j]!) }
  },
}
