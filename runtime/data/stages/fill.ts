/** runtime/data: `fill(median)`: a value in place of an empty cell: the mean, the median or the most frequent value of its column in the
 *  training rows that have one, as in scikit-learn's SimpleImputer, or a number. */
import type { FittedStage } from "../../bundle/format.js"
import { RunError } from "../../error.js"
import { valuesByPlace } from "./places.js"
import type { Fitting, StageRule, UnfittedStage } from "./stage.js"

type Fill = Extract<FittedStage, { readonly kind: "fill" }>

export const fill: Fitting<Extract<UnfittedStage, { readonly kind: "fill" }>> & StageRule<Fill> = {
  fit({ by }, training) {
    if (typeof by === "number") return { kind: "fill", values: [by] }
    const values = valuesByPlace(training).map(({ sorted, where }) => {
      if (sorted.length > 0) return FILLED[by](sorted)
      throw new RunError(
        "data-missing",
        `${where}: no training row has a value, so there is no ${by.replace("_", " ")}`,
        {
          help: "leave the column out, or fill it with a number: `fill(0)`",
        },
      )
    })
    return { kind: "fill", values }
  },
  apply({ values: by }, values, width) {
    for (let i = 0; i < values.length; i++)
      if (Number.isNaN(values[i]!)) values[i] = by.length === 1 ? by[0]! : by[i % width]!
    return values
  },
  fittedOn: ({ values }) => (values.length > 1 ? values.length : undefined),
  takesMissing: true,
  // A field that lies on the device as whole numbers has no empty cells.
  follows: () => "same",
}

/** The number that fills, from values in ascending order. */
const FILLED = {
  mean(sorted: Float64Array): number {
    const least = sorted[0]!
    return least + sorted.reduce((sum, value) => sum + (value - least), 0) / sorted.length
  },
  median(sorted: Float64Array): number {
    const [below, above] = [sorted[(sorted.length - 1) >> 1]!, sorted[sorted.length >> 1]!]
    return below + (above - below) / 2
  },
  /** The least of those that are equally frequent. */
  most_frequent(sorted: Float64Array): number {
    let [best, most] = [sorted[0]!, 0]
    for (let from = 0, to = 0; from < sorted.length; from = to) {
      while (to < sorted.length && sorted[to] === sorted[from]) to++
      if (to - from > most) [best, most] = [sorted[from]!, to - from]
    }
    return best
  },
}
