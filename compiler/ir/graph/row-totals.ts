/** ir/graph: names of the partial results that an evaluation gives for each batch and joins over all of them: `rows.sum.0`.
 *  Guarantees: the name says how it is joined, in the graphs as in the bundle; reports have no dot in their names.
 *  Not here:   cutting an evaluation in two there (lower/), joining (runtime/). */

export type RowReduction = "sum" | "max" | "min"

export const rowTotalName = (reduce: RowReduction, k: number): string => `rows.${reduce}.${k}`

/** undefined: the name of something else. */
export const rowReductionOf = (name: string): RowReduction | undefined =>
  /^rows\.(sum|max|min)\.\d+$/.exec(name)?.[1] as RowReduction | undefined
