/** check: `missing`: 1 where a cell is empty, else 0. */
import { noArguments, type StageRule } from "./stage.js"

export const missing: StageRule<{ readonly kind: "missing" }> = {
  check: (env, call) => (noArguments(env, call) ? { kind: "missing" } : undefined),
  refuse: (_, { stages, index }) =>
    stages.slice(0, index).some(({ kind }) => kind === "fill")
      ? {
          message: "after `fill` no cell is missing",
          label: "always 0",
          help: "make it a field of its own, without `fill`",
        }
      : undefined,
}
