/** check: `standardize`: each column to mean 0 and standard deviation 1, by the training rows. */
import { needsF32, noArguments, type StageRule } from "./stage.js"

export const standardize: StageRule<{ readonly kind: "standardize" }> = {
  check: (env, call) => (noArguments(env, call) ? { kind: "standardize" } : undefined),
  refuse: needsF32,
}
