/** check: `categories(3)`: the different values of a column, numbered. */
import { needsI32, oneNumber, type StageRule } from "./stage.js"

export const categories: StageRule<{ readonly kind: "categories"; readonly count: number }> = {
  check: (env, call) => {
    const count = oneNumber(env, call, { argument: "count", counts: "categories" })
    return count === undefined ? undefined : { kind: "categories", count }
  },
  refuse: (_, at) => {
    if (at.index > 0)
      return {
        message: "categories number what a column holds, so they come first",
        label: "not the first stage",
      }
    return at.encoded ? undefined : needsI32("categories are i32 numbers", at)
  },
  count: ({ count }) => count,
}
