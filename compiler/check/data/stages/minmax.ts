/** check: `minmax`: each column to 0 to 1, by the training rows. */
import { needsF32, noArguments, type StageRule } from "./stage.js"

export const minmax: StageRule<{ readonly kind: "minmax" }> = {
  check: (env, call) => (noArguments(env, call) ? { kind: "minmax" } : undefined),
  refuse: needsF32,
}
