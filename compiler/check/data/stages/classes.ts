/** check: `classes(10)`: numbers from 0 to 9. */
import { needsI32, oneNumber, type StageRule } from "./stage.js"

export const classes: StageRule<{ readonly kind: "classes"; readonly count: number }> = {
  check: (env, call) => {
    const count = oneNumber(env, call, { argument: "count", counts: "classes" })
    return count === undefined ? undefined : { kind: "classes", count }
  },
  refuse: (_, at) => needsI32("classes are i32 numbers", at),
  count: ({ count }) => count,
}
