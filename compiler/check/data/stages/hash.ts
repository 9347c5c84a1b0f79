/** check: `hash(64)`: a text becomes its hash modulo 64. */
import { needsI32, oneNumber, type StageRule } from "./stage.js"

export const hash: StageRule<{ readonly kind: "hash"; readonly count: number }> = {
  check: (env, call) => {
    const count = oneNumber(env, call, { argument: "count", counts: "numbers" })
    return count === undefined ? undefined : { kind: "hash", count }
  },
  refuse: (_, at) => {
    if (at.index > 0)
      return { message: "a hash is of what a column holds, so it comes first", label: "not the first stage" }
    return at.encoded ? undefined : needsI32("hashes are i32 numbers", at)
  },
  count: ({ count }) => count,
}
