/** check: `bins(4)`: a number becomes the index of the bin that it is in; the edges of bins are quantiles. */
import { needsI32, oneNumber, type StageRule } from "./stage.js"

export const bins: StageRule<{ readonly kind: "bins"; readonly count: number }> = {
  check: (env, call) => {
    const count = oneNumber(env, call, { argument: "count", counts: "bins" })
    return count === undefined ? undefined : { kind: "bins", count }
  },
  refuse: (_, at) => (at.encoded ? undefined : needsI32("bins are i32 numbers", at)),
  count: ({ count }) => count,
}
