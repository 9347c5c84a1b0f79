/** runtime/data: `bins(4)`: a number becomes the index of the bin that it is in, from 0. The edges between bins are quantiles of the training
 *  rows, so that all bins hold about as many of them (numpy.quantile, linear; scikit-learn's KBinsDiscretizer, strategy "quantile"). A
 *  value that equals an edge is in the bin above it. */
import type { FittedStage } from "../../bundle/format.js"
import { RunError } from "../../error.js"
import { notFinite } from "../not-finite.js"
import { valuesByPlace } from "./places.js"
import type { Fitting, StageRule, UnfittedStage } from "./stage.js"

type Bins = Extract<FittedStage, { readonly kind: "bins" }>

export const bins: Fitting<Extract<UnfittedStage, { readonly kind: "bins" }>> & StageRule<Bins> = {
  fit({ count }, training) {
    const edges = valuesByPlace(training).map(({ sorted, where }) => {
      if (sorted.length === 0)
        throw new RunError("data-missing", `${where}: no training row has a value, so there are no bins`, {
          help: "leave the column out",
        })
      return Array.from({ length: count - 1 }, (_, i) => quantile(sorted, (i + 1) / count))
    })
    return { kind: "bins", count, edges }
  },
  apply({ edges }, values, width, where) {
    for (let i = 0; i < values.length; i++) {
      if (Number.isNaN(values[i]!)) notFinite(where(i), values[i]!)
      values[i] = reached(edges[i % width]!, values[i]!)
    }
    return values
  },
  fittedOn: ({ edges }) => edges.length,
  names: ({ edges }) => (edges.length === 1 ? intervals(edges[0]!) : []),
}

function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1)
  const below = Math.floor(at)
  const [low, high] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!]
  return low + (high - low) * (at - below)
}

/** How many edges are not above the value. */
function reached(edges: readonly number[], value: number): number {
  let [low, high] = [0, edges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (edges[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low
}

const intervals = (edges: readonly number[]): string[] =>
  [...edges, Infinity].map((edge, i) =>
    i === 0
      ? `below ${edge}`
      : edge === Infinity
        ? `${edges[i - 1]} and above`
        : `${edges[i - 1]} to ${edge}`,
  )
