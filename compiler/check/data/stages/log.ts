/** check: `log` and `log1p`: natural logarithms. */
import { needsF32, noArguments, type StageRule } from "./stage.js"

export const log: StageRule<{ readonly kind: "log" }> = {
  check: (env, call) => (noArguments(env, call) ? { kind: "log" } : undefined),
  refuse: needsF32,
}
export const log1p: StageRule<{ readonly kind: "log1p" }> = {
  check: (env, call) => (noArguments(env, call) ? { kind: "log1p" } : undefined),
  refuse: needsF32,
}
