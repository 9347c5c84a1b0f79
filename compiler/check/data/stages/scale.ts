/** check: `scale(1 / 255)`: every value times a number. */
import { needsF32, oneNumber, type StageRule } from "./stage.js"

export const scale: StageRule<{ readonly kind: "scale"; readonly by: number }> = {
  check: (env, call) => {
    const by = oneNumber(env, call, { argument: "by" })
    return by === undefined ? undefined : { kind: "scale", by }
  },
  refuse: needsF32,
}
